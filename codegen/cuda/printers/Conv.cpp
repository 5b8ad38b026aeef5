/// Prints short convolutions.
#include "codegen/cuda/CudaPrinter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printConv(KernelText &kernel, ConvAttr conv, KernelOp) {
  unsigned taps = conv.getTaps();
  if (taps < 2 || taps > 8)
    return llvm::createStringError("convolves %u tokens; expected 2 to 8",
                                   taps);
  kernel.skeleton = "conv";
  kernel.threads = "kConvThreads";
  kernel.operands = conv.getShift() ? 3 : 4 + conv.getBias();
  ShapePrinter shape(kernel);
  shape.number("channels", conv.getChannels());
  shape.number("taps", taps);
  shape.number("stride", conv.getStride());
  shape.flag("bias", conv.getBias());
  shape.flag("silu", conv.getSilu());
  shape.flag("inPlace", conv.getInPlace());
  shape.flag("shift", conv.getShift());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter convPrinter = printerOf<ConvAttr, printConv>();

} // namespace sinter
