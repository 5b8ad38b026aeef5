/// Prints what folds the parts of attention.
#include "codegen/cuda/AttentionShape.h"
#include "codegen/cuda/CudaPrinter.h"
#include "dialects/tile/AttentionSplits.h"

using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printMerge(KernelText &kernel, MergeSplitsAttr op,
                              KernelOp) {
  kernel.skeleton = "mergeSplits";
  kernel.threads = "kMergeThreads";
  kernel.operands = op.getAttention().getSinks() ? 3 : 2;
  return printAttentionShape(kernel, op.getAttention(), {});
}

namespace sinter {

extern const CudaPrinter mergeSplitsPrinter =
    printerOf<MergeSplitsAttr, printMerge>();

} // namespace sinter
