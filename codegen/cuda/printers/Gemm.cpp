/// Prints gemv and gemm.
#include "codegen/cuda/CudaPrinter.h"
#include "codegen/cuda/GemmShape.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printGemm(KernelText &kernel, GemmAttr gemm, KernelOp op) {
  ConfigAttr config = op.getConfigAttr();
  kernel.skeleton = config.getMma() ? "mmaGemm" : "gemm";
  kernel.enoughBlocks = 2; // of eight warps, which have bytes enough in flight
  kernel.threads = "kGemmThreads";
  kernel.operands = gemm.getBias() ? 4 : 3;
  ShapePrinter shape(kernel);
  if (llvm::Error error = GemmShape::of(gemm, config).print(shape))
    return error;
  shape.flag("bias", gemm.getBias());
  shape.flag("outputs", gemm.getOutputs());
  return shape.body(op.getBody(), gemm.getSegments());
}

namespace sinter {

extern const CudaPrinter gemmPrinter =
    printerOf<GemmAttr, printGemm>(/*configured=*/true);

} // namespace sinter
