/// Checks and prints the shape of attention over a paged cache.
#include "codegen/cuda/AttentionShape.h"

#include "dialects/tile/AttentionSplits.h"

#include <algorithm>

using namespace sinter::tile;

namespace sinter::cuda {

mlir::Type latentElement(mlir::MLIRContext *context, bool f16) {
  return f16 ? mlir::Type(mlir::Float16Type::get(context))
             : mlir::Float32Type::get(context);
}

llvm::Error checkCache(mlir::Type element, unsigned keyWidth,
                       unsigned valueWidth, unsigned pageTokens) {
  if (element.isBF16())
    return llvm::createStringError(
        "a cache of bf16, which only x86 has kernels for");
  unsigned whole = isQ8Cache(element) ? 32 : isByteCache(element) ? 4 : 1;
  if (keyWidth % whole || valueWidth % whole)
    return llvm::createStringError(
        "keys of %u and values of %u in a cache of bytes; expected multiples "
        "of %u",
        keyWidth, valueWidth, whole);
  if (pageTokens % 16)
    return llvm::createStringError(
        "cache pages of %u tokens; expected a multiple of 16", pageTokens);
  return llvm::Error::success();
}

/// Tiles of 16 rows, of halves (prelude/MmaAttention.cuh).
static llvm::Error checkMma(AttentionAttr op, ConfigAttr config) {
  unsigned values = op.getValueWidth();
  mlir::Type element = op.getCacheElement();
  if ((!element.isF16() && !isByteCache(element)) || op.getKeyWidth() % 16 ||
      values % (values > 128 ? 32 : 16) || values > 256)
    return llvm::createStringError(
        "matrix units attend to caches of float16 or bytes with heads that are "
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

llvm::Error printAttentionShape(KernelText &kernel, AttentionAttr op,
                                ConfigAttr config) {
  if (op.getCacheHeads() == 0 || op.getHeads() % op.getCacheHeads())
    return llvm::createStringError("%u heads over %u cache heads",
                                   op.getHeads(), op.getCacheHeads());
  if (llvm::Error error = checkCache(op.getCacheElement(), op.getKeyWidth(),
                                     op.getValueWidth(), op.getPageTokens()))
    return error;
  if (op.getOutput().getQ8() && op.getValueWidth() % 32)
    return llvm::createStringError(
        "8-bit output of heads %u wide; expected a multiple of 32",
        op.getValueWidth());
  if (config && config.getMma())
    if (llvm::Error error = checkMma(op, config))
      return error;
  ShapePrinter shape(kernel);
  shape.cache(op.getCacheHeads(), op.getKeyWidth(), op.getValueWidth(),
              op.getPageTokens(), op.getCacheElement(), op.getRing());
  shape.row("Out", op.getOutput());
  shape.number("heads", op.getHeads());
  shape.number("queryStride", op.getQueryStride());
  shape.number("tokens", config ? config.getTokens() : 1);
  shape.number("splits", kAttentionSplits);
  shape.real("scale", op.getScale());
  shape.number("window", op.getWindow());
  shape.real("softcap", op.getSoftcap());
  shape.flag("sinks", op.getSinks());
  shape.flag("bidirectional", op.getBidirectional());
  shape.real("alibi", op.getAlibi());
  return llvm::Error::success();
}

} // namespace sinter::cuda
