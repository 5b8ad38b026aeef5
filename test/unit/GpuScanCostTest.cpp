/// Where the gated delta rule in chunks begins to win on a GPU: above a few
/// tokens, and for decoding by less or not at all.
#include "passes/tile/GpuScanCost.h"

#include <gtest/gtest.h>

namespace sinter {
namespace {

/// codegen/cuda/targets has the sources of these numbers.
TileTarget gpu(unsigned cores, double bandwidth, double clock, double int8) {
  TileTarget target;
  target.cores = cores;
  target.gpu.bandwidth = bandwidth;
  target.gpu.clock = clock;
  target.gpu.int8 = int8;
  target.gpu.mma = true;
  return target;
}
const TileTarget kGb10 = gpu(48, 273e9, 2.5e9, 246e12),
                 kH100 = gpu(132, 3350e9, 1.83e9, 1979e12);
/// Of Qwen3.6-35B-A3B.
constexpr GpuScan kScan = {.heads = 32, .keyWidth = 128, .valueWidth = 128};

TEST(GpuScanCost, LongTextsWinInChunks) {
  for (const TileTarget &target : {kGb10, kH100}) {
    EXPECT_LT(gpuScanSeconds(target, kScan, 2048, true),
              0.5 * gpuScanSeconds(target, kScan, 2048, false));
    // A chunk takes as long whether it is full or not.
    EXPECT_LT(gpuScanSeconds(target, kScan, 17, true) -
                  gpuScanSeconds(target, kScan, 16, true),
              1.01 * gpuScanSeconds(target, kScan, 16, true));
    EXPECT_GT(gpuScanSeconds(target, kScan, 17, true),
              gpuScanSeconds(target, kScan, 16, true));
  }
}

TEST(GpuScanCost, TheCrossingIsWhereTheTimesAre) {
  for (const TileTarget &target : {kGb10, kH100}) {
    const uint64_t from = gpuScanCrossing(target, kScan);
    ASSERT_GT(from, 0u);
    EXPECT_LE(from, 16u);
    for (uint64_t tokens = from; tokens < from + 100; ++tokens)
      EXPECT_LT(gpuScanSeconds(target, kScan, tokens, true),
                gpuScanSeconds(target, kScan, tokens, false))
          << tokens;
    if (from > 1) {
      EXPECT_GE(gpuScanSeconds(target, kScan, from - 1, true),
                gpuScanSeconds(target, kScan, from - 1, false));
    }
  }
  // One multiprocessor, on which whole states wait for each other.
  TileTarget small = gpu(1, 1e15, 1e9, 1e10);
  EXPECT_EQ(gpuScanCrossing(small, kScan), 0u);
}

TEST(GpuScanCost, TheReasonHasBothTimes) {
  const std::string reason = gpuScanReason(kH100, kScan);
  EXPECT_EQ(reason.find("1 token: by tokens "), 0u) << reason;
  EXPECT_NE(reason.find(" us; chunks win from " +
                        std::to_string(gpuScanCrossing(kH100, kScan)) +
                        " tokens on (--scan)"),
            std::string::npos)
      << reason;
}

} // namespace
} // namespace sinter
