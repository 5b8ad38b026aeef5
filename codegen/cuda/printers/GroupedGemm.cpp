/// Prints matrix products by expert.
#include "codegen/cuda/CudaPrinter.h"
#include "codegen/cuda/GemmShape.h"
#include "dialects/tile/Experts.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printGroupedGemm(KernelText &kernel, GroupedGemmAttr gemm,
                                    KernelOp op) {
  bool bias = gemm.getBiasRows() != 0;
  size_t firsts = gemm.getBiasFirst() ? gemm.getBiasFirst().size() : 0;
  if (bias && firsts != gemm.getSegments())
    return llvm::createStringError("biases of %u segments from %u columns on",
                                   gemm.getSegments(), unsigned(firsts));
  kernel.skeleton = "groupedGemm";
  kernel.threads = "kGemmThreads";
  kernel.enoughBlocks = 1;
  kernel.operands = 5 + (bias ? gemm.getSegments() : 0);
  ShapePrinter shape(kernel);
  GemmShape product = GemmShape::of(gemm, op.getConfigAttr());
  if (llvm::Error error = product.printWithUnits(shape))
    return error;
  shape.number("experts", gemm.getExperts());
  shape.number("top", gemm.getTop());
  shape.flag("slots", gemm.getSlots());
  shape.flag("bias", bias);
  if (bias) {
    shape.number("biasRows", gemm.getBiasRows());
    shape.list("unsigned", "biasFirst", "segment",
               gemm.getBiasFirst().asArrayRef());
  }
  shape.flag("decode", gemm.getDecode());
  shape.number("items", kGroupedItems);
  return shape.body(op.getBody(), gemm.getSegments());
}

namespace sinter {

extern const CudaPrinter groupedGemmPrinter =
    printerOf<GroupedGemmAttr, printGroupedGemm>(/*configured=*/true);

} // namespace sinter
