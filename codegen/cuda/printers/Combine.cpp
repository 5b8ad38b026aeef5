/// Prints weighted sums of the rows of a token.
#include "codegen/cuda/CudaPrinter.h"
#include "dialects/tile/Experts.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printCombine(KernelText &kernel, CombineAttr combine,
                                KernelOp op) {
  unsigned columns = op.getConfigAttr().getColumns();
  if (!columns || !combine.getSlots())
    return llvm::createStringError("%u rows of %u in items of %u columns",
                                   combine.getSlots(), combine.getWidth(),
                                   columns);
  kernel.skeleton = "combine";
  kernel.threads = "kCombineThreads";
  kernel.operands = 3;
  ShapePrinter shape(kernel);
  shape.number("width", combine.getWidth());
  shape.number("slots", combine.getSlots());
  shape.number("stride", combine.getStride());
  shape.flag("sigmoid", combine.getSigmoid());
  shape.number("columns", columns);
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter combinePrinter =
    printerOf<CombineAttr, printCombine>(/*configured=*/true);

} // namespace sinter
