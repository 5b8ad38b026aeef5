/// Prints attention over parts of a paged cache.
#include "dialects/tile/AttentionSplits.h"
#include "codegen/cuda/AttentionShape.h"
#include "codegen/cuda/CudaPrinter.h"

using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printSplits(KernelText &kernel, AttentionSplitsAttr op,
                               KernelOp kernelOp) {
  ConfigAttr config = kernelOp.getConfigAttr();
  bool mma = config.getMma();
  if (config.getTokens() != 1)
    return llvm::createStringError("%u tokens in an item; a split is of one",
                                   config.getTokens());
  kernel.skeleton = mma ? "mmaAttentionSplit" : "attentionSplit";
  kernel.enoughBlocks = mma; // it keeps 16 rows of outputs in registers
  kernel.threads = mma ? "kMmaAttentionThreads" : "kAttentionThreads";
  kernel.operands = 3;
  return printAttentionShape(kernel, op.getAttention(), config);
}

namespace sinter {

extern const CudaPrinter attentionSplitsPrinter =
    printerOf<AttentionSplitsAttr, printSplits>(/*configured=*/true);

} // namespace sinter
