/// The cost model of tiles.
#include "passes/tile/TileCost.h"

#include <algorithm>
#include <bit>
#include <cstdio>
#include <vector>

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

/// Row groups per item that are worth a look, ascending: those that leave every
/// core enough items, and the least in any case.
static std::vector<unsigned> gemmRowGroups(const TileTarget &target,
                                           const GemmShape &shape) {
  unsigned step = rowGroupStep(shape);
  std::vector<unsigned> candidates = {step};
  for (unsigned groups = 2 * step; groups <= std::max(step, kMaxRowGroups);
       groups *= 2) {
    if (gemmItems(shape, groups) < kItemsPerCore * target.cores)
      break;
    candidates.push_back(groups);
  }
  return candidates;
}

TileChoice chooseGemm(const TileTarget &target, const GemmShape &shape) {
  TileChoice choice;
  // A token of the tile keeps a sum or two in registers; a quarter of them
  // leaves room for the decoded weights (docs/performance.md).
  choice.tokens = shape.slices ? 1 : target.registers / 4;
  // A prefill reads weights from the cache, again and again.
  choice.prefetch = shape.decode ? target.prefetch : 0;
  uint64_t best = UINT64_MAX;
  for (unsigned groups : gemmRowGroups(target, shape)) {
    uint64_t cost = gemmCost(target, shape, groups);
    if (cost >= best)
      continue;
    best = cost;
    choice.rowGroups = groups;
  }
  return choice;
}

std::string gemmReason(const TileTarget &target, const GemmShape &shape) {
  std::vector<unsigned> candidates = gemmRowGroups(target, shape);
  std::string text;
  char part[160];
  for (unsigned groups : candidates) {
    std::snprintf(part, sizeof(part), "%s%u: %.2f", text.empty() ? "" : ", ",
                  groups, double(gemmCost(target, shape, groups)) * 1e-6);
    text += part;
  }
  text = "MB through the slowest core by row groups: " + text;
  unsigned next = 2 * candidates.back();
  if (next <= std::max(rowGroupStep(shape), kMaxRowGroups)) {
    std::snprintf(
        part, sizeof(part), "; %u would leave %.1f items a core of %u", next,
        double(gemmItems(shape, next)) / target.cores, unsigned(kItemsPerCore));
    text += part;
  }
  std::snprintf(part, sizeof(part), "; tokens: a quarter of %u registers",
                target.registers);
  return text + part;
}

/// Row groups of an expert's item: 4 of 2048 weights in 4 bits are 72 KiB,
/// which stays in the L2 cache for all tokens of the expert.
static constexpr unsigned kExpertRowGroups = 4;

TileChoice chooseGrouped(const TileTarget &target, const GemmShape &shape,
                         uint64_t experts, uint64_t top) {
  uint64_t assignments = std::max<uint64_t>(1, shape.tokens * top);
  uint64_t density = ceilDiv(assignments, std::min(assignments, experts));
  TileChoice choice;
  choice.tokens =
      std::min<uint64_t>(std::bit_ceil(2 * density), target.registers / 4);
  choice.prefetch = shape.decode ? target.prefetch : 0;
  choice.rowGroups = std::max(rowGroupStep(shape), kExpertRowGroups);
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

namespace {

/// Adds to a list what differs from the tile that the rules chose.
struct Candidates {
  TileChoice chosen;
  std::vector<TileChoice> list = {};

  void add(unsigned TileChoice::*number, unsigned value) {
    TileChoice other = chosen;
    other.*number = value;
    if (other != chosen)
      list.push_back(other);
  }
};

} // namespace

std::vector<TileChoice> gemmCandidates(const TileTarget &target,
                                       const GemmShape &shape,
                                       const TileChoice &chosen) {
  Candidates candidates = {chosen};
  unsigned step = rowGroupStep(shape);
  for (unsigned groups = step; groups <= kMaxRowGroups; groups *= 2)
    if (gemmItems(shape, groups) >= target.cores)
      candidates.add(&TileChoice::rowGroups, groups);
  for (unsigned eighths : {1u, 2u, 3u})
    candidates.add(&TileChoice::tokens, target.registers * eighths / 8);
  if (shape.decode)
    for (unsigned ahead : {0u, 2048u, 4096u, 8192u})
      candidates.add(&TileChoice::prefetch, ahead);
  return candidates.list;
}

std::vector<TileChoice> groupedCandidates(const TileTarget &target,
                                          const GemmShape &shape,
                                          const TileChoice &chosen) {
  Candidates candidates = {chosen};
  for (unsigned groups = rowGroupStep(shape); groups <= 2 * kExpertRowGroups;
       groups *= 2)
    candidates.add(&TileChoice::rowGroups, groups);
  for (unsigned tokens = 1; tokens <= target.registers / 4; tokens *= 2)
    candidates.add(&TileChoice::tokens, tokens);
  if (shape.decode)
    for (unsigned ahead : {0u, 2048u, 4096u, 8192u})
      candidates.add(&TileChoice::prefetch, ahead);
  return candidates.list;
}

std::vector<TileChoice> attentionCandidates(unsigned sharing,
                                            const TileChoice &chosen) {
  Candidates candidates = {chosen};
  // Rows of a tile keep their sums on the stack.
  for (unsigned tokens = 1; tokens * sharing <= 16; tokens *= 2)
    candidates.add(&TileChoice::tokens, tokens);
  return candidates.list;
}

std::vector<TileChoice> elementwiseCandidates(unsigned width,
                                              const TileChoice &chosen) {
  Candidates candidates = {chosen};
  for (unsigned columns = 64; columns < 2 * width && columns <= 2048;
       columns *= 2)
    candidates.add(&TileChoice::columns, columns);
  return candidates.list;
}

} // namespace sinter
