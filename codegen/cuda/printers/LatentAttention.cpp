/// Prints attention over latent rows.
#include "codegen/cuda/AttentionShape.h"
#include "codegen/cuda/CudaPrinter.h"
#include "dialects/tile/Latent.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

/// Static shared memory of a block on every target.
static constexpr unsigned kMaxShared = 48 << 10;

static llvm::Error printLatentAttention(KernelText &kernel,
                                        LatentAttentionAttr op,
                                        KernelOp kernelOp) {
  unsigned width = op.getRank() + op.getRotary(), sharing = op.getSharing();
  if (!sharing || op.getHeads() % sharing)
    return llvm::createStringError("%u heads of which %u share an item",
                                   op.getHeads(), sharing);
  if (op.getOutput().getQ8() && op.getRank() % 32)
    return llvm::createStringError(
        "8-bit output of heads %u wide; expected a multiple of 32",
        op.getRank());
  uint64_t bytes = 4 * uint64_t(sharing) * (width + op.getPageTokens() + 1);
  if (bytes > kMaxShared)
    return llvm::createStringError(
        "%u heads of %u columns need %llu bytes of shared memory; expected at "
        "most %u",
        sharing, width, static_cast<unsigned long long>(bytes), kMaxShared);
  ConfigAttr config = kernelOp.getConfigAttr();
  kernel.skeleton = "latentAttention";
  kernel.threads = "kLatentThreads";
  kernel.enoughBlocks = 1;
  kernel.operands = 4;
  ShapePrinter shape(kernel);
  shape.cache(/*heads=*/1, width, /*valueWidth=*/0, op.getPageTokens(),
              latentElement(op.getContext(), op.getCacheF16()), /*ring=*/false);
  shape.row("Out", op.getOutput());
  shape.number("rank", op.getRank());
  shape.number("rotary", op.getRotary());
  shape.number("heads", op.getHeads());
  shape.number("sharing", sharing);
  shape.number("tokens", config ? config.getTokens() : 1);
  shape.real("scale", op.getScale());
  shape.number("latentStride", op.getLatentStride());
  shape.number("rotatedStride", op.getRotatedStride());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter latentAttentionPrinter =
    printerOf<LatentAttentionAttr, printLatentAttention>();

} // namespace sinter
