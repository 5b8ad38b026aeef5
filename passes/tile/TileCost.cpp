/// The cost model of tiles.
#include "passes/tile/TileCost.h"

#include <algorithm>

namespace sinter {

/// Weight rows of a group (codegen packs 16 rows side by side).
static constexpr uint64_t kGroupRows = 16;
/// Bytes' worth of time to begin an item: calling the kernel and filling its
/// register tile take about as long as reading 2 KiB of cached weights.
static constexpr uint64_t kItemBytes = 2048;
/// Fewer items than this per core leave cores idle at the end of a launch,
/// because cores of one machine differ in speed from moment to moment.
static constexpr uint64_t kItemsPerCore = 8;
static constexpr unsigned kMaxRowGroups = 16;

static uint64_t ceilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

unsigned rowGroupStep(const GemmShape &shape) {
  return shape.segments * (shape.q8Output ? 2 : 1);
}

uint64_t gemmItems(const GemmShape &shape, unsigned rowGroups) {
  return ceilDiv(shape.weightRows, kGroupRows * rowGroups);
}

uint64_t gemmCost(const TileTarget &target, const GemmShape &shape,
                  unsigned rowGroups) {
  uint64_t items = gemmItems(shape, rowGroups);
  uint64_t perCore = ceilDiv(items, target.cores);
  uint64_t weights = kGroupRows * rowGroups * shape.weightRowBytes;
  uint64_t activations = shape.tokens * shape.inputRowBytes;
  // Weights that leave no room in the cache are read again for every tile of
  // tokens; half the cache is theirs.
  uint64_t passes = shape.decode || weights <= target.l2 / 2
                        ? 1
                        : ceilDiv(shape.tokens, target.registers / 4);
  return perCore * (weights * passes + activations + kItemBytes);
}

TileChoice chooseGemm(const TileTarget &target, const GemmShape &shape) {
  TileChoice choice;
  // A token of the tile keeps a sum or two in registers; a quarter of them
  // leaves room for the decoded weights (docs/performance.md).
  choice.tokens = target.registers / 4;
  // A prefill reads weights from the cache, again and again.
  choice.prefetch = shape.decode ? target.prefetch : 0;
  unsigned step = rowGroupStep(shape);
  uint64_t best = UINT64_MAX;
  for (unsigned groups = step; groups <= std::max(step, kMaxRowGroups);
       groups *= 2) {
    bool enough = gemmItems(shape, groups) >= kItemsPerCore * target.cores;
    if (groups > step && !enough)
      break;
    uint64_t cost = gemmCost(target, shape, groups);
    if (cost >= best)
      continue;
    best = cost;
    choice.rowGroups = groups;
  }
  return choice;
}

TileChoice chooseAttention(unsigned heads, unsigned cacheHeads) {
  TileChoice choice;
  choice.tokens = std::max(1u, 8 / std::max(1u, heads / cacheHeads));
  return choice;
}

TileChoice chooseElementwise(unsigned width) {
  TileChoice choice;
  choice.columns = std::min(256u, unsigned(ceilDiv(width, 32) * 32));
  return choice;
}

} // namespace sinter
