/// Which kernel attends on a GPU, and when blocks share a token's context:
/// where there are fewer cache heads than multiprocessors, and it is long.
#include "passes/tile/GpuAttentionCost.h"

#include <gtest/gtest.h>

namespace sinter {
namespace {

/// codegen/cuda/targets has the sources of these numbers.
TileTarget gpu(unsigned cores, double bandwidth) {
  TileTarget target;
  target.cores = cores;
  target.gpu.bandwidth = bandwidth;
  target.gpu.mma = true;
  return target;
}
const TileTarget kGb10 = gpu(48, 273e9), kH200 = gpu(132, 4.8e12);

GpuAttention heads(unsigned query, unsigned cache, unsigned width) {
  return {.heads = query,
          .cacheHeads = cache,
          .keyWidth = width,
          .valueWidth = width,
          .splits = 16};
}

TEST(GpuAttentionCost, WholeTilesTakeMatrixUnits) {
  TileChoice choice = chooseGpuAttention(kGb10, heads(32, 8, 128));
  EXPECT_TRUE(choice.mma);
  EXPECT_EQ(choice.tokens, 4u);
  EXPECT_EQ(chooseGpuAttention(kGb10, heads(71, 1, 64)).tokens, 1u);
  GpuAttention shape = heads(32, 8, 128);
  shape.elementBytes = 4;
  EXPECT_FALSE(chooseGpuAttention(kGb10, shape).mma);
  EXPECT_FALSE(chooseGpuAttention(kGb10, heads(32, 8, 72)).mma);
  EXPECT_FALSE(chooseGpuAttention(kGb10, heads(32, 8, 144)).mma);
  EXPECT_FALSE(chooseGpuAttention(kGb10, heads(32, 8, 512)).mma);
}

TEST(GpuAttentionCost, ASplitHasOneTokenAndTheSameKindOfKernel) {
  for (unsigned width : {128u, 256u}) {
    TileChoice choice = chooseGpuSplits(kH200, heads(32, 8, width));
    EXPECT_EQ(choice.tokens, 1u);
    EXPECT_EQ(choice.mma, chooseGpuAttention(kH200, heads(32, 8, width)).mma);
  }
}

TEST(GpuAttentionCost, FewHeadsShareTheContext) {
  for (const TileTarget &target : {kGb10, kH200})
    for (unsigned width : {64u, 128u, 256u}) {
      GpuAttention shape = heads(32, 8, width);
      EXPECT_TRUE(splitsGpuAttention(target, shape)) << width;
      EXPECT_LT(gpuAttentionSeconds(target, shape, true),
                0.5 * gpuAttentionSeconds(target, shape, false));
    }
}

/// No block may be idle, no context too short to be worth a launch.
TEST(GpuAttentionCost, OtherwiseABlockKeepsIt) {
  EXPECT_FALSE(splitsGpuAttention(kGb10, heads(64, 64, 128)));
  EXPECT_TRUE(splitsGpuAttention(kH200, heads(64, 64, 128)));
  GpuAttention local = heads(32, 8, 128);
  local.window = 512;
  EXPECT_FALSE(splitsGpuAttention(kH200, local));
  local.window = 4096;
  EXPECT_TRUE(splitsGpuAttention(kH200, local));
  GpuAttention encoder = heads(12, 12, 64);
  encoder.bidirectional = true;
  EXPECT_FALSE(splitsGpuAttention(kH200, encoder));
}

TEST(GpuAttentionCost, AtMostTheBandwidthIsUsed) {
  GpuAttention shape = heads(64, 64, 128);
  double memory = 4096.0 * 64 * 256 * 2 / kGb10.gpu.bandwidth;
  EXPECT_GE(gpuAttentionSeconds(kGb10, shape, false), memory);
  EXPECT_LE(gpuAttentionSeconds(kGb10, shape, false), 1.05 * memory);
}

TEST(GpuAttentionCost, ReasonsNameBothTimes) {
  std::string reason = gpuAttentionReason(kH200, heads(32, 8, 128));
  EXPECT_NE(reason.find("a context of 4096: 8 blocks "), std::string::npos);
  EXPECT_NE(reason.find(", in 16 parts "), std::string::npos);
  GpuAttention encoder = heads(12, 12, 64);
  encoder.bidirectional = true;
  EXPECT_EQ(gpuAttentionReason(kH200, encoder), "an encoder has no decoding");
}

} // namespace
} // namespace sinter
