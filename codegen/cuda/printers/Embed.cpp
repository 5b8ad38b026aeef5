/// Prints embeddings.
#include "codegen/cuda/CudaPrinter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printEmbed(KernelText &kernel, EmbedAttr embed, KernelOp) {
  kernel.skeleton = "embed";
  kernel.threads = "kEmbedThreads";
  kernel.operands = 2;
  ShapePrinter shape(kernel);
  if (llvm::Error error =
          shape.format(embed.getFormat(), embed.getOutput().getWidth()))
    return error;
  shape.row("Out", embed.getOutput());
  shape.choice("RowBy", "by",
               embed.getBy() == "token"      ? "Token"
               : embed.getBy() == "position" ? "Position"
                                             : "First");
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter embedPrinter = printerOf<EmbedAttr, printEmbed>();

} // namespace sinter
