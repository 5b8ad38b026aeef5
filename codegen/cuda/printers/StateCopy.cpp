/// Prints copies of recurrent states.
#include "codegen/cuda/CudaPrinter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printStateCopy(KernelText &kernel, StateCopyAttr copy,
                                  KernelOp) {
  kernel.skeleton = "stateCopy";
  kernel.threads = "kStateCopyThreads";
  kernel.operands = 2;
  ShapePrinter shape(kernel);
  shape.number("elements", copy.getElements());
  shape.flag("storing", copy.getStore());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter stateCopyPrinter =
    printerOf<StateCopyAttr, printStateCopy>();

} // namespace sinter
