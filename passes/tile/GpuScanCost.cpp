/// The cost model of the gated delta rule on a GPU. Both forms wait for results
/// more than they compute, so that cycles of the longest chain decide.
#include "passes/tile/GpuScanCost.h"

#include <algorithm>
#include <cstdio>

namespace sinter {

// Cycles until a result can be used: of a multiply-add, a read of shared memory
// and a barrier with the write before it (arXiv 2402.13499, H100: 4, 29, and
// 30 beside that read), and of a tile of TF32 (arXiv 2206.02874, A100: 33 for
// the one that is used here).
static constexpr double kFma = 4, kShared = 29, kBarrier = 30, kTile = 33;
/// A sum over a warp is five shuffles of 23 cycles; what comes from the second
/// cache takes 260 (both from the first of these).
static constexpr double kWarpSum = 5 * 23, kSecondCache = 260;

/// Until a byte of the device memory comes (../shared/reference/kernels.md,
/// 4.1). The form by tokens asks for its whole state at once, chunks for half.
static constexpr double kLatency = 0.7e-6;

/// A token of the form that walks them one by one: a thread has keyWidth / 4
/// rows of a column (128 threads, 32 columns), whose two sums are chains; each
/// is shared by four threads, and put together by all of them.
static double stepCycles(const GpuScan &scan) {
  const double parts = 128.0 / scan.block;
  const double chain = kFma * scan.keyWidth / parts;
  return 2 * (chain + kBarrier + kShared * (1 + parts));
}

/// A chunk: norms of what comes from the second cache, tiles over the key's
/// width, the triangle (a token's part needs the one before it), two tiles for
/// results, a few of the state's at a time, and five barriers.
static double chunkCycles(const GpuScan &scan) {
  const double norm = kSecondCache + kWarpSum + kShared;
  const double state = scan.keyWidth / 8.0 * kTile;
  const double triangle = scan.chunk * (kFma + kShared);
  const double change = scan.keyWidth / 16.0 * 2 * kTile / 2;
  return norm + state + triangle + 2 * kTile + change + 5 * kBarrier;
}

/// Multiply-adds of a chunk of one head in tiles, and what the chip does of
/// them: TF32 is taken to go at a quarter of the rate of bytes.
static double tileSeconds(const TileTarget &target, const GpuScan &scan) {
  const double products = 3.0 * scan.chunk * scan.keyWidth * scan.valueWidth;
  return products / (target.gpu.int8 / 4 / 2 / target.cores);
}

double gpuScanSeconds(const TileTarget &target, const GpuScan &scan,
                      uint64_t tokens, bool chunked) {
  const double state = 4.0 * scan.heads * scan.keyWidth * scan.valueWidth;
  const double blocks =
      chunked ? scan.heads : double(scan.heads) * scan.valueWidth / scan.block;
  // Eight blocks of 128 threads share a multiprocessor without harm, of whole
  // states one has its shared memory.
  const double room = target.cores * (chunked ? 1.0 : 8.0);
  const double turns = std::max(1.0, blocks / room);
  if (!chunked)
    return turns * (kLatency +
                    double(tokens) * stepCycles(scan) / target.gpu.clock) +
           2 * state / target.gpu.bandwidth;
  const double chunks = double((tokens + scan.chunk - 1) / scan.chunk);
  const double each =
      std::max(chunkCycles(scan) / target.gpu.clock, tileSeconds(target, scan));
  // Written once a chunk, and its own numbers for each token.
  const double written = std::min(1.0, double(tokens) / scan.chunk);
  return turns * (2 * kLatency + chunks * each) +
         (1 + written) * state / target.gpu.bandwidth;
}

uint64_t gpuScanCrossing(const TileTarget &target, const GpuScan &scan) {
  constexpr uint64_t kMost = 4096;
  uint64_t first = 0;
  for (uint64_t tokens = kMost; tokens > 0; --tokens) {
    if (gpuScanSeconds(target, scan, tokens, true) >=
        gpuScanSeconds(target, scan, tokens, false))
      return first;
    first = tokens;
  }
  return first;
}

std::string gpuScanReason(const TileTarget &target, const GpuScan &scan) {
  auto micros = [&](uint64_t tokens, bool chunked) {
    return gpuScanSeconds(target, scan, tokens, chunked) * 1e6;
  };
  char text[200];
  std::snprintf(text, sizeof(text),
                "1 token: by tokens %.1f us, in chunks %.1f us; 512: %.0f and "
                "%.0f us; chunks win from %llu tokens on (--scan)",
                micros(1, false), micros(1, true), micros(512, false),
                micros(512, true),
                static_cast<unsigned long long>(gpuScanCrossing(target, scan)));
  return text;
}

} // namespace sinter
