/// Prints copies of a run of columns of each head.
#include "codegen/cuda/CudaPrinter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printHeadColumns(KernelText &kernel, HeadColumnsAttr columns,
                                    KernelOp) {
  RowAttr row = columns.getOutput();
  unsigned heads = columns.getHeads(), width = row.getWidth() / heads;
  if (row.getQ8() && width % 32)
    return llvm::createStringError(
        "8-bit output of heads %u wide; expected a multiple of 32", width);
  kernel.skeleton = "headColumns";
  kernel.threads = "kHeadColumnsThreads";
  kernel.operands = 2;
  ShapePrinter shape(kernel);
  shape.row("Out", row);
  shape.number("heads", heads);
  shape.number("headWidth", columns.getHeadWidth());
  shape.number("offset", columns.getOffset());
  shape.number("stride", columns.getStride());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter headColumnsPrinter =
    printerOf<HeadColumnsAttr, printHeadColumns>();

} // namespace sinter
