/// Runs any of our passes, or the whole pipeline, on MLIR text: the driver of
/// the lit tests.
#include "compiler/ChooseWeightLayout.h"
#include "compiler/Pipeline.h"
#include "dialects/plan/Plan.h"
#include "dialects/sinter/Sinter.h"
#include "dialects/tile/Tile.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/DialectRegistry.h"
#include "mlir/Tools/mlir-opt/MlirOptMain.h"
#include "mlir/Transforms/Passes.h"

int main(int argc, char **argv) {
  mlir::DialectRegistry registry;
  registry.insert<sinter::SinterDialect, sinter::tile::TileDialect,
                  sinter::plan::PlanDialect, mlir::arith::ArithDialect,
                  mlir::func::FuncDialect, mlir::math::MathDialect>();
  mlir::registerTransformsPasses();
  sinter::registerSinterPasses();
  // The one pass that asks codegen, so no library of passes knows it.
  mlir::registerPass(sinter::createChooseWeightLayout);
  sinter::registerSinterPipeline();
  return mlir::asMainReturnCode(
      mlir::MlirOptMain(argc, argv, "sinter pass driver", registry));
}
