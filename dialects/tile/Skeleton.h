/// The interface of skeleton classes: how their launches are divided, and what
/// they multiply.
#ifndef SINTER_DIALECTS_TILE_SKELETON_H
#define SINTER_DIALECTS_TILE_SKELETON_H

#include "mlir/IR/Attributes.h"
#include "llvm/ADT/StringRef.h"

#include <cstdint>

namespace sinter::tile {

/// #tile.config's numbers.
struct Tiling {
  unsigned rowGroups = 1, tokens = 1, prefetch = 0, columns = 0;
  bool mma = false;
};

/// The fields of plan.launch that follow from the kernel alone.
struct ItemShape {
  llvm::StringRef items; ///< one, tokens or rows
  int64_t count = 1;
  int64_t tile = 1;
  bool replicated = false; ///< one row costs less than a barrier
};

/// Multiply-adds of a launch.
struct Products {
  uint64_t perRow = 0;         ///< for each row of the step
  uint64_t perRowAndToken = 0; ///< and for each token attended to
  bool outputs = false;        ///< rows are those whose logits are wanted
  // Of whose weights each row reads those of `top`; 0: all weights.
  uint32_t experts = 0;
  uint32_t top = 0;
  // Bytes of recurrent state for each sequence of the step.
  uint64_t stateBytes = 0;  ///< read and written in place
  uint64_t copiedBytes = 0; ///< to or from rows of activations
};

/// Columns of a state that one item of a scan works on: 128 of their rows, 16
/// KiB, stay in the first cache from token to token.
unsigned scanBlock(unsigned valueWidth);

/// Tokens of a chunk of a scan in chunks (codegen/cuda/prelude/ChunkedScan.cuh)
/// and whether there is such a scan for heads of this size.
inline constexpr unsigned kScanChunk = 16;
constexpr bool scansInChunks(unsigned keyWidth, unsigned valueWidth) {
  return keyWidth && valueWidth && keyWidth % 16 == 0 && valueWidth % 8 == 0 &&
         keyWidth <= 128 && valueWidth <= 128;
}
/// Channels of a convolution and numbers of a copied state in one item.
inline constexpr unsigned kConvChannels = 64, kCopyElements = 4096;

} // namespace sinter::tile

#include "dialects/tile/Skeleton.h.inc"

#endif // SINTER_DIALECTS_TILE_SKELETON_H
