/// Prints the write of latent rows.
#include "codegen/cuda/AttentionShape.h"
#include "codegen/cuda/CudaPrinter.h"
#include "dialects/tile/Latent.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printLatentWrite(KernelText &kernel, LatentWriteAttr write,
                                    KernelOp) {
  kernel.skeleton = "latentWrite";
  kernel.threads = "kLatentWriteThreads";
  kernel.operands = 3;
  ShapePrinter shape(kernel);
  shape.cache(/*heads=*/1, write.getRank() + write.getRotary(),
              /*valueWidth=*/0, write.getPageTokens(),
              latentElement(write.getContext(), write.getCacheF16()),
              /*ring=*/false);
  shape.number("rank", write.getRank());
  shape.number("latentStride", write.getLatentStride());
  shape.number("rotatedStride", write.getRotatedStride());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter latentWritePrinter =
    printerOf<LatentWriteAttr, printLatentWrite>();

} // namespace sinter
