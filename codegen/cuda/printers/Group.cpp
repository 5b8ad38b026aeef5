/// Prints the sort of a step's assignments by expert.
#include "codegen/cuda/CudaPrinter.h"
#include "dialects/tile/Experts.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printGroup(KernelText &kernel, GroupAttr group, KernelOp) {
  kernel.skeleton = "group";
  kernel.threads = "kGroupThreads";
  kernel.operands = 3;
  ShapePrinter shape(kernel);
  shape.number("experts", group.getExperts());
  shape.number("top", group.getTop());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter groupPrinter = printerOf<GroupAttr, printGroup>();

} // namespace sinter
