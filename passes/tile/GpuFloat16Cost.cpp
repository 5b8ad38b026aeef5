/// The cost model's rules for 16-bit weights.
#include "passes/tile/GpuFloat16Cost.h"

#include "dialects/tile/Float16.h"

#include <algorithm>

namespace sinter {

const char *const kFloat16Reason = "matrix units add 16-bit weights in an "
                                   "order of their own, so they multiply "
                                   "every token";

/// Of the units' peak that mma.sync reaches, as for bytes (GpuTileCost.cpp).
static constexpr double kMmaShare = 0.62;
/// Instructions of a warp that a multiprocessor issues in a cycle.
static constexpr double kIssues = 4;
/// Instructions of a warp for 16 columns: to load 8 tokens' and round them to
/// BF16, or to two halves (four products, eight conversions, four differences,
/// the search for large ones, a vote), to load a row group's tile, and, of few
/// tokens, to begin the copy of one.
static constexpr double kRoundIssues = 4, kHalvesIssues = 28;
static constexpr double kLoadIssues = 4, kCopyIssues = 12;
/// Cycles that eight warps wait for each other and for their first loads when a
/// stage of 32 columns ends, some two latencies of shared memory; another block
/// of the multiprocessor works meanwhile.
static constexpr double kStageCycles = 60;
static constexpr unsigned kWarps = 8, kColumns = 16;
/// Bytes of a warp's ring of few tokens.
static constexpr double kRingBytes = 4 << 10;
/// Of a block that takes more registers than half a multiprocessor's there is
/// one (codegen/cuda/printers/Gemm.cpp): row groups times tokens.
static constexpr unsigned kLargeTile = 512;

bool takesFloat16Units(const TileTarget &target, const GemmShape &shape) {
  double peak = shape.f16 ? target.gpu.f16 : shape.bf16 ? target.gpu.bf16 : 0;
  // Items write whole blocks; the largest has four row groups in its rings.
  return target.gpu.mma && peak > 0 && 4 % rowGroupStep(shape) == 0;
}

static TileChoice unitsTile(unsigned groups, unsigned tokens) {
  TileChoice choice;
  choice.rowGroups = groups;
  choice.tokens = tokens;
  choice.mma = true;
  return choice;
}

std::vector<TileChoice> float16Candidates(const GemmShape &shape) {
  std::vector<TileChoice> candidates;
  unsigned step = rowGroupStep(shape);
  if (shape.decode) {
    for (unsigned groups = step; groups <= 4; groups *= 2)
      candidates.push_back(unitsTile(groups, kFloat16FewTokens));
    return candidates;
  }
  for (unsigned groups = step; groups <= 16; groups *= 2)
    for (unsigned tokens : {16u, 32u, 64u, 128u})
      if (isManyFloat16Tile(groups, tokens))
        candidates.push_back(unitsTile(groups, tokens));
  return candidates;
}

static bool isFew(const TileChoice &choice) {
  return choice.tokens == kFloat16FewTokens;
}

double float16Flight(const GemmShape &shape, const TileChoice &choice) {
  double columnBytes = 2.0 * 16 * choice.rowGroups;
  if (isFew(choice))
    return kWarps * (kRingBytes - kColumns * columnBytes);
  return 2 * kColumns * columnBytes;
}

unsigned float16Blocks(const TileChoice &choice) {
  return choice.rowGroups * choice.tokens > kLargeTile ? 1 : 2;
}

double float16ProductSeconds(const TileTarget &target, const GemmShape &shape,
                             const TileChoice &choice) {
  const GpuRates &gpu = target.gpu;
  bool few = isFew(choice);
  // Of a warp: row groups, and eights of tokens.
  double groups = few ? choice.rowGroups
                      : float16WarpGroups(choice.rowGroups, choice.tokens);
  double eights =
      few ? 1 : choice.tokens / 8.0 / (kWarps / (choice.rowGroups / groups));
  double parts = shape.f16 ? 2 : 1; // of a number
  double issues = groups * (eights * parts + kLoadIssues) +
                  eights * (shape.f16 ? kHalvesIssues : kRoundIssues) +
                  (few ? kCopyIssues * groups : 0);
  double products = groups * 16 * eights * 8 * kColumns;
  double peak = shape.f16 ? gpu.f16 : gpu.bf16;
  double waits = 0; // the warps of few tokens do not wait for each other
  if (!few)
    waits = kStageCycles / float16Blocks(choice) /
            (32.0 * 16 * choice.rowGroups * choice.tokens);
  double chip = gpu.clock * target.cores; // cycles of all multiprocessors
  return std::max(2 * parts / (peak * kMmaShare),
                  issues / products / kIssues / chip) +
         waits / chip;
}

TileChoice chooseFloat16Grouped(const GemmShape &shape, uint64_t density) {
  unsigned step = rowGroupStep(shape);
  // Few: two row groups share the activations and leave six stages of a ring.
  if (density <= kFloat16FewTokens)
    return unitsTile(std::max(step, 2u), kFloat16FewTokens);
  // Of 64 weight rows each warp has one, two or all row groups.
  return unitsTile(4, density <= 16 ? 16 : density <= 32 ? 32 : 64);
}

} // namespace sinter
