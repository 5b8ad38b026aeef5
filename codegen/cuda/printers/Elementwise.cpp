/// Prints bodies over the elements of rows.
#include "codegen/cuda/CudaPrinter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printElementwise(KernelText &kernel, ElementwiseAttr op,
                                    KernelOp kernelOp) {
  unsigned columns = kernelOp.getConfigAttr().getColumns();
  unsigned width = op.getOutput().getWidth();
  if (!columns || (op.getOutput().getQ8() && (columns % 32 || width % 32)))
    return llvm::createStringError(
        "rows of %u in items of %u columns; 8-bit rows need multiples of 32",
        width, columns);
  kernel.skeleton = "elementwise";
  kernel.threads = "kElementwiseThreads";
  unsigned inputs = op.getStrides().size();
  kernel.operands = inputs + 1;
  ShapePrinter shape(kernel);
  shape.row("Out", op.getOutput());
  shape.number("inputs", inputs);
  shape.number("columns", columns);
  shape.flag("gather", op.getGather());
  llvm::SmallVector<int64_t> strides(op.getStrides());
  shape.list("int64_t", "stride", "input", strides);
  return shape.body(kernelOp.getBody(), inputs);
}

namespace sinter {

extern const CudaPrinter elementwisePrinter =
    printerOf<ElementwiseAttr, printElementwise>(/*configured=*/true);

} // namespace sinter
