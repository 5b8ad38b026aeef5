/// The cost model of attention on a GPU.
#include "passes/tile/GpuAttentionCost.h"

#include <algorithm>
#include <cstdio>

namespace sinter {

/// A context that is neither a beginning nor the longest: what splitting costs
/// does not depend on it, what it gains grows with it.
static constexpr double kContext = 4096;
/// Rows of a tile of matrix units, and runs into which its warps divide a split
/// (codegen/cuda/prelude/MmaAttentionTile.cuh).
static constexpr unsigned kMmaRows = 16, kMmaRuns = 8;
/// A byte comes after some 0.7 us (the project's reference, kernels.md 4.1).
static constexpr double kLatency = 0.7e-6;
/// Numbers that a block has on their way: for matrix units eight each of eight
/// warps' lanes, for lanes four each of 128 threads.
static constexpr double kMmaNumbers = 8 * 32 * 8, kLaneNumbers = 4 * 128;
/// A launch more in a graph (kernels.md, 6.2: 1.0 to 1.5 us).
static constexpr double kLaunchSeconds = 1.25e-6;

static bool fitsMma(const TileTarget &target, const GpuAttention &shape) {
  // Wider heads leave ptxas too few registers: it spills.
  constexpr unsigned kWidest = 128;
  return target.gpu.mma && shape.elementBytes <= 2 &&
         shape.keyWidth % kMmaRows == 0 && shape.valueWidth % kMmaRows == 0 &&
         shape.keyWidth <= kWidest && shape.valueWidth <= kWidest;
}

TileChoice chooseGpuAttention(const TileTarget &target,
                              const GpuAttention &shape) {
  TileChoice choice = chooseAttention(shape.heads, shape.cacheHeads);
  if (!fitsMma(target, shape))
    return choice;
  choice.mma = true;
  choice.tokens =
      std::max<unsigned>(1, kMmaRows / (shape.heads / shape.cacheHeads));
  return choice;
}

TileChoice chooseGpuSplits(const TileTarget &target,
                           const GpuAttention &shape) {
  TileChoice choice;
  choice.mma = fitsMma(target, shape);
  return choice;
}

double gpuAttentionSeconds(const TileTarget &target, const GpuAttention &shape,
                           bool split) {
  bool mma = fitsMma(target, shape);
  double context =
      shape.window ? std::min<double>(kContext, shape.window) : kContext;
  double bytes = context * shape.cacheHeads *
                 (shape.keyWidth + shape.valueWidth) * shape.elementBytes;
  // Matrix units load once for all query heads; lanes for each, one after the
  // other, unless a split's blocks have a head each.
  double heads = mma ? shape.cacheHeads : shape.heads;
  double parts = std::clamp<double>(
      context / shape.pageTokens / (mma ? kMmaRuns : 1), 1, shape.splits);
  double blocks = split ? heads * parts : shape.cacheHeads;
  double flight = (mma ? kMmaNumbers : kLaneNumbers) * shape.elementBytes;
  double loads = bytes * (mma ? 1.0 : double(shape.heads) / shape.cacheHeads);
  // A multiprocessor has room for one block of matrix units, 16 of lanes.
  double resident = std::min(blocks, target.cores * (mma ? 1.0 : 16.0));
  double seconds = std::max(bytes / target.gpu.bandwidth,
                            loads / (resident * flight / kLatency));
  if (!split)
    return seconds;
  // Written and read by the two kernels, most of it in the second cache.
  double sums = double(shape.heads) * shape.splits * (shape.valueWidth + 2) * 4;
  return seconds + kLaunchSeconds + sums / target.gpu.bandwidth;
}

bool splitsGpuAttention(const TileTarget &target, const GpuAttention &shape) {
  // The model is not worth more than 5 %, and one launch is simpler.
  return !shape.bidirectional &&
         gpuAttentionSeconds(target, shape, true) <
             0.95 * gpuAttentionSeconds(target, shape, false);
}

std::string gpuAttentionReason(const TileTarget &target,
                               const GpuAttention &shape) {
  if (shape.bidirectional)
    return "an encoder has no decoding";
  char text[160];
  std::snprintf(text, sizeof(text),
                "one token at a context of %.0f: %u blocks %.1f us, in %u "
                "parts %.1f us",
                kContext, shape.cacheHeads,
                gpuAttentionSeconds(target, shape, false) * 1e6, shape.splits,
                gpuAttentionSeconds(target, shape, true) * 1e6);
  return text;
}

} // namespace sinter
