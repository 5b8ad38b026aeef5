/// Prints gemv and gemm.
#include "codegen/cuda/CudaPrinter.h"
#include "codegen/cuda/GemmShape.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printGemm(KernelText &kernel, GemmAttr gemm, KernelOp op) {
  ConfigAttr config = op.getConfigAttr();
  GemmShape product = GemmShape::of(gemm, config);
  product.decode = gemm.getDecode();
  kernel.skeleton = product.takesFloat4() ? "float4Gemm"
                    : config.getWgmma()   ? "wgmmaGemm"
                    : !config.getMma()    ? "gemm"
                    : gemm.getDecode()    ? "mmaGemv"
                                          : "mmaGemm";
  // Two of eight warps have bytes enough in flight. A warp that keeps the sums
  // of a large tile needs all the registers that a block can have.
  bool large =
      product.takesFloat4() && config.getRowGroups() * config.getTokens() > 64;
  kernel.enoughBlocks = large ? 1 : 2;
  kernel.threads = "kGemmThreads";
  kernel.operands = gemm.getBias() ? 4 : 3;
  if (gemm.getDecode() && !product.takesFloat4())
    kernel.ahead = "weightsAhead<" + kernel.name + "_shape>";
  ShapePrinter shape(kernel);
  if (llvm::Error error = product.print(shape))
    return error;
  if (config.getWgmma()) {
    kernel.dynamicShared = product.wgmmaSharedBytes();
    shape.number("sharedBytes", kernel.dynamicShared);
  }
  shape.flag("bias", gemm.getBias());
  shape.flag("outputs", gemm.getOutputs());
  return shape.body(op.getBody(), gemm.getSegments());
}

namespace sinter {

extern const CudaPrinter gemmPrinter =
    printerOf<GemmAttr, printGemm>(/*configured=*/true);

} // namespace sinter
