/// Prints matrix products head by head.
#include "codegen/cuda/CudaPrinter.h"
#include "codegen/cuda/GemmShape.h"
#include "dialects/tile/Latent.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printHeadGemm(KernelText &kernel, HeadGemmAttr gemm,
                                 KernelOp op) {
  unsigned width = gemm.headWidth(), rows = gemm.getWeightRows();
  if (rows % 16 || (gemm.getInput().getQ8() && width % 32))
    return llvm::createStringError(
        "heads of %u columns times %u rows; expected multiples of 16 rows, "
        "and of 32 columns where they are 8-bit",
        width, rows);
  kernel.skeleton = "headGemm";
  kernel.threads = "kGemmThreads";
  kernel.operands = 3;
  GemmShape all = GemmShape::of(gemm, op.getConfigAttr());
  all.width = width;
  if (all.units() == Units::Bytes)
    return llvm::createStringError(
        "matrix units multiply heads of 16-bit weights, found %s",
        gemm.getFormat().str().c_str());
  ShapePrinter shape(kernel);
  if (llvm::Error error = all.printWithUnits(shape))
    return error;
  shape.flag("bias", false);
  return shape.body(op.getBody(), /*arguments=*/1);
}

namespace sinter {

extern const CudaPrinter headGemmPrinter =
    printerOf<HeadGemmAttr, printHeadGemm>(/*configured=*/true);

} // namespace sinter
