/// Prints attention over a paged cache.
#include "codegen/cuda/CudaPrinter.h"

#include <algorithm>

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

/// Tiles of 16 rows, of halves (prelude/MmaAttention.cuh).
static llvm::Error checkMma(AttentionAttr op, ConfigAttr config) {
  unsigned values = op.getValueWidth();
  if (!op.getCacheElement().isF16() || op.getKeyWidth() % 16 ||
      values % (values > 128 ? 32 : 16) || values > 256)
    return llvm::createStringError(
        "matrix units attend to caches of float16 with heads that are "
        "multiples of 16 wide, values of at most 256; found keys of %u and "
        "values of %u",
        op.getKeyWidth(), values);
  unsigned group = std::min(16u, op.getHeads() / op.getCacheHeads());
  if (config.getTokens() * group > 16)
    return llvm::createStringError(
        "%u tokens of %u heads each; matrix units take 16 rows",
        config.getTokens(), group);
  return llvm::Error::success();
}

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
  bool mma = config && config.getMma();
  if (mma)
    if (llvm::Error error = checkMma(op, config))
      return error;
  kernel.skeleton = mma ? "mmaAttention" : "attention";
  kernel.enoughBlocks = mma; // it keeps 16 rows of outputs in registers
  kernel.threads = mma ? "kMmaAttentionThreads" : "kAttentionThreads";
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
