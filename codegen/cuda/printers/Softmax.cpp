/// Prints softmax of rows.
#include "codegen/cuda/CudaPrinter.h"
#include "dialects/tile/Pooling.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printSoftmax(KernelText &kernel, SoftmaxAttr softmax,
                                KernelOp) {
  kernel.skeleton = "softmax";
  kernel.threads = "kSoftmaxThreads";
  kernel.operands = 2;
  ShapePrinter shape(kernel);
  shape.number("width", softmax.getWidth());
  shape.number("stride", softmax.getStride());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter softmaxPrinter =
    printerOf<SoftmaxAttr, printSoftmax>();

} // namespace sinter
