/// Prints what happens to heads before attention.
#include "codegen/cuda/AttentionShape.h"
#include "codegen/cuda/CudaPrinter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printHeads(KernelText &kernel, HeadsAttr heads, KernelOp) {
  if (heads.getRotary() > heads.getKeyWidth() || heads.getRotary() % 2)
    return llvm::createStringError("rotates %u of %u elements of a head",
                                   heads.getRotary(), heads.getKeyWidth());
  if (heads.getCacheHeads())
    if (llvm::Error error =
            checkCache(heads.getCacheElement(), heads.getKeyWidth(),
                       heads.getValueWidth(), heads.getPageTokens()))
      return error;
  kernel.skeleton = "heads";
  kernel.threads = "kHeadThreads";
  kernel.operands = 2 * (heads.getQueryHeads() != 0) + heads.getQueryNorm() +
                    3 * (heads.getCacheHeads() != 0) + heads.getKeyNorm() +
                    (heads.getRotary() != 0);
  ShapePrinter shape(kernel);
  shape.cache(heads.getCacheHeads(), heads.getKeyWidth(), heads.getValueWidth(),
              heads.getPageTokens(), heads.getCacheElement(), heads.getRing());
  shape.number("queryHeads", heads.getQueryHeads());
  shape.number("rotary", heads.getRotary());
  shape.flag("neox", heads.getNeox());
  shape.flag("queryNorm", heads.getQueryNorm());
  shape.flag("keyNorm", heads.getKeyNorm());
  shape.real("epsilon", heads.getEpsilon());
  shape.number("queryStride", heads.getQueryStride());
  shape.number("keyStride", heads.getKeyStride());
  shape.number("valueStride", heads.getValueStride());
  shape.number("outputStride", heads.getOutputStride());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter headsPrinter = printerOf<HeadsAttr, printHeads>();

} // namespace sinter
