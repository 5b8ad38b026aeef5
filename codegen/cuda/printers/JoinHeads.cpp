/// Prints heads of two parts.
#include "codegen/cuda/CudaPrinter.h"
#include "dialects/tile/Latent.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printJoinHeads(KernelText &kernel, JoinHeadsAttr join,
                                  KernelOp) {
  kernel.skeleton = "joinHeads";
  kernel.threads = "kHeadColumnsThreads";
  kernel.operands = 3;
  ShapePrinter shape(kernel);
  shape.number("heads", join.getHeads());
  shape.number("first", join.getFirst());
  shape.number("second", join.getSecond());
  shape.number("firstStride", join.getFirstStride());
  shape.number("secondStride", join.getSecondStride());
  shape.flag("shared", join.getShared());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter joinHeadsPrinter =
    printerOf<JoinHeadsAttr, printJoinHeads>();

} // namespace sinter
