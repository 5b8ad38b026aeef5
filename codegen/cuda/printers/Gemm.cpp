/// Prints gemv and gemm.
#include "codegen/cuda/CudaPrinter.h"
#include "codegen/cuda/GemmShape.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static const char *skeletonOf(Units units, bool decode) {
  switch (units) {
  case Units::Lanes:
    return "gemm";
  case Units::Bytes:
    return decode ? "mmaGemv" : "mmaGemm";
  case Units::Floats4:
    return "float4Gemm";
  case Units::Floats16:
    return decode ? "float16Gemv" : "float16Gemm";
  case Units::FourWarps:
    return "wgmmaGemm";
  }
  llvm_unreachable("all units are listed");
}

/// What a gemv asks for before its wait.
static const char *aheadOf(Units units) {
  switch (units) {
  case Units::Lanes:
  case Units::Bytes:
    return "weightsAhead";
  case Units::Floats16:
    return "ringsAhead";
  case Units::Floats4:
  case Units::FourWarps:
    return nullptr;
  }
  llvm_unreachable("all units are listed");
}

static llvm::Error printGemm(KernelText &kernel, GemmAttr gemm, KernelOp op) {
  ConfigAttr config = op.getConfigAttr();
  GemmShape product = GemmShape::of(gemm, config);
  product.decode = gemm.getDecode();
  Units units = product.units();
  kernel.skeleton = skeletonOf(units, gemm.getDecode());
  // Two of eight warps have bytes enough in flight. A warp that keeps the sums
  // of a large tile needs all the registers that a block can have.
  unsigned tile = config.getRowGroups() * config.getTokens();
  bool large = (units == Units::Floats4 && tile > 64) ||
               (units == Units::Floats16 && tile > 512);
  kernel.enoughBlocks = large ? 1 : 2;
  kernel.threads = "kGemmThreads";
  kernel.operands = gemm.getBias() ? 4 : 3;
  if (const char *ahead = aheadOf(units); ahead && gemm.getDecode())
    kernel.ahead = ahead + ("<" + kernel.name + "_shape>");
  ShapePrinter shape(kernel);
  if (llvm::Error error = product.print(shape))
    return error;
  if (units == Units::FourWarps) {
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
