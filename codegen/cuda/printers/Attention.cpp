/// Prints attention over a paged cache.
#include "codegen/cuda/CudaPrinter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printAttention(KernelText &kernel, AttentionAttr op,
                                  KernelOp kernelOp) {
  ConfigAttr config = kernelOp.getConfigAttr();
  if (op.getHeads() % op.getCacheHeads())
    return llvm::createStringError("%u heads over %u cache heads",
                                   op.getHeads(), op.getCacheHeads());
  if (op.getOutput().getQ8() && op.getValueWidth() % 32)
    return llvm::createStringError(
        "8-bit output of heads %u wide; expected a multiple of 32",
        op.getValueWidth());
  kernel.skeleton = "attention";
  kernel.threads = "kAttentionThreads";
  kernel.operands = op.getSinks() ? 4 : 3;
  ShapePrinter shape(kernel);
  shape.cache(op.getCacheHeads(), op.getKeyWidth(), op.getValueWidth(),
              op.getPageTokens(), op.getCacheElement().isF16(), op.getRing());
  shape.row("Out", op.getOutput());
  shape.number("heads", op.getHeads());
  shape.number("queryStride", op.getQueryStride());
  shape.number("tokens", config ? config.getTokens() : 1);
  shape.real("scale", op.getScale());
  shape.number("window", op.getWindow());
  shape.real("softcap", op.getSoftcap());
  shape.flag("sinks", op.getSinks());
  shape.flag("bidirectional", op.getBidirectional());
  shape.real("alibi", op.getAlibi());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter attentionPrinter =
    printerOf<AttentionAttr, printAttention>();

} // namespace sinter
