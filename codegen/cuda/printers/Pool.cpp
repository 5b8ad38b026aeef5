/// Prints the rows that stand for sequences.
#include "codegen/cuda/CudaPrinter.h"
#include "dialects/tile/Pooling.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printPool(KernelText &kernel, PoolAttr pool, KernelOp) {
  bool mean = pool.getKind() == "mean";
  if (!mean && pool.getKind() != "first")
    return llvm::createStringError("pooling '%s', expected mean or first",
                                   pool.getKind().str().c_str());
  kernel.skeleton = "pool";
  kernel.threads = "kPoolThreads";
  kernel.operands = 2;
  ShapePrinter shape(kernel);
  shape.number("width", pool.getWidth());
  shape.number("stride", pool.getStride());
  shape.flag("mean", mean);
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter poolPrinter = printerOf<PoolAttr, printPool>();

} // namespace sinter
