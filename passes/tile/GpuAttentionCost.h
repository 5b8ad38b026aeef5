/// What attention to a long context costs on a GPU: by one block for each cache
/// head or by several that share the context. Plain arithmetic, as in
/// TileCost.h.
#ifndef SINTER_PASSES_TILE_GPUATTENTIONCOST_H
#define SINTER_PASSES_TILE_GPUATTENTIONCOST_H

#include "passes/tile/TileCost.h"

#include <string>

namespace sinter {

struct GpuAttention {
  unsigned heads = 1, cacheHeads = 1, keyWidth = 0, valueWidth = 0;
  double elementBytes = 2; ///< of the cache, with its part of a scale
  unsigned pageTokens = 64;
  unsigned window = 0; ///< positions that are seen; 0: all
  unsigned splits = 1; ///< parts of the context, at most
  bool bidirectional = false;
};

/// 16 rows share what is loaded, if matrix units can multiply it.
TileChoice chooseGpuAttention(const TileTarget &target,
                              const GpuAttention &shape);

/// The tile of the same attention in parts, which is of one token: those of a
/// decoding step belong to different sequences.
TileChoice chooseGpuSplits(const TileTarget &target, const GpuAttention &shape);

/// Seconds that a token's attention takes at a context of 4096.
double gpuAttentionSeconds(const TileTarget &target, const GpuAttention &shape,
                           bool split);

/// Whether blocks should share the context.
bool splitsGpuAttention(const TileTarget &target, const GpuAttention &shape);

/// Both times.
std::string gpuAttentionReason(const TileTarget &target,
                               const GpuAttention &shape);

} // namespace sinter

#endif // SINTER_PASSES_TILE_GPUATTENTIONCOST_H
