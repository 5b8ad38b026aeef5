/// Prints attention over a paged cache.
#include "codegen/cuda/AttentionShape.h"
#include "codegen/cuda/CudaPrinter.h"

using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printAttention(KernelText &kernel, AttentionAttr op,
                                  KernelOp kernelOp) {
  ConfigAttr config = kernelOp.getConfigAttr();
  bool mma = config && config.getMma();
  kernel.skeleton = mma ? "mmaAttention" : "attention";
  kernel.enoughBlocks = mma; // it keeps 16 rows of outputs in registers
  kernel.threads = mma ? "kMmaAttentionThreads" : "kAttentionThreads";
  kernel.operands = op.getSinks() ? 4 : 3;
  return printAttentionShape(kernel, op, config);
}

namespace sinter {

extern const CudaPrinter attentionPrinter =
    printerOf<AttentionAttr, printAttention>();

} // namespace sinter
