/// Which kernel multiplies on a GPU: lanes for few tokens, matrix units for
/// many, and only tiles that the kernels can have.
#include "passes/tile/GpuTileCost.h"

#include <gtest/gtest.h>

namespace sinter {
namespace {

/// codegen/cuda/targets has the sources of these numbers.
TileTarget gpu(unsigned cores, double bandwidth, double clock, double float32,
               double int8, uint64_t l2) {
  TileTarget target;
  target.cores = cores;
  target.l2 = l2 / cores;
  target.gpu = {bandwidth, clock, float32, int8, true};
  // Half of the rate of bytes, but for the GeForce, a quarter.
  target.gpu.f16 = target.gpu.bf16 =
      float32 < 40e12 && bandwidth > 500e9 ? int8 / 4 : int8 / 2;
  return target;
}
const TileTarget kGb10 = gpu(48, 273e9, 2.5e9, 31e12, 246e12, 24 << 20);
const TileTarget kH200 = gpu(132, 4.8e12, 1.83e9, 67e12, 1979e12, 50 << 20);
const TileTarget kRtx3090 = gpu(82, 936e9, 1.7e9, 35.6e12, 284e12, 6 << 20);

/// Q4_K matrices of an 8B model.
GemmShape shape(uint64_t rows, uint64_t tokens) {
  return {.weightRows = rows,
          .weightRowBytes = 2304,
          .inputRowBytes = 5184,
          .decode = tokens <= 8,
          .tokens = tokens,
          .width = 4096};
}

TEST(GpuTileCost, FewTokensAreMultipliedByLanes) {
  for (const TileTarget &target : {kGb10, kH200, kRtx3090})
    for (uint64_t rows : {1024u, 4096u, 24576u, 151936u}) {
      TileChoice choice = chooseGpuGemm(target, shape(rows, 1));
      EXPECT_FALSE(choice.mma) << rows << " rows";
      EXPECT_EQ(choice.tokens, 1u);
    }
}

TEST(GpuTileCost, ManyTokensAreMultipliedByMatrixUnits) {
  for (const TileTarget &target : {kGb10, kH200, kRtx3090})
    for (uint64_t rows : {1024u, 4096u, 24576u, 151936u}) {
      TileChoice choice = chooseGpuGemm(target, shape(rows, 512));
      EXPECT_TRUE(choice.mma) << rows << " rows";
      EXPECT_GE(choice.tokens, 32u);
    }
}

/// Lanes would read what does not stay in the cache twice, or multiply for
/// longer than it takes to read; a small matrix is theirs.
TEST(GpuTileCost, EightTokensTakeOnePassOverTheWeights) {
  for (const TileTarget &target : {kGb10, kH200, kRtx3090}) {
    TileChoice choice = chooseGpuGemm(target, shape(151936, 8));
    EXPECT_TRUE(choice.mma);
    EXPECT_EQ(choice.tokens, 8u);
    for (const TileChoice &other : gpuGemmCandidates(target, shape(151936, 8)))
      EXPECT_EQ(other.tokens, other.mma ? 8u : 4u);
    TileTarget old = target;
    old.gpu.mma = false;
    EXPECT_FALSE(chooseGpuGemm(old, shape(151936, 8)).mma);
  }
  EXPECT_FALSE(chooseGpuGemm(kGb10, shape(1024, 8)).mma);
}

/// One pass, at the memory's speed where that is the slower one.
TEST(GpuTileCost, OnePassReadsTheWeightsOnce) {
  TileChoice choice = chooseGpuGemm(kGb10, shape(151936, 8));
  double memory = 151936.0 * 2304 / 273e9;
  EXPECT_GE(gpuGemmSeconds(kGb10, shape(151936, 8), choice), memory);
  EXPECT_LE(gpuGemmSeconds(kGb10, shape(151936, 8), choice), 1.2 * memory);
  choice.mma = false;
  choice.tokens = 4;
  EXPECT_GE(gpuGemmSeconds(kGb10, shape(151936, 8), choice), 2 * memory);
}

TEST(GpuTileCost, NoMatrixUnitsWhereThereAreNone) {
  TileTarget old = kRtx3090;
  old.gpu.mma = false;
  EXPECT_FALSE(chooseGpuGemm(old, shape(4096, 512)).mma);
  EXPECT_EQ(chooseGpuGemm(old, shape(4096, 512)).tokens, 4u);
  GemmShape floats = shape(4096, 512);
  floats.plain = true;
  EXPECT_FALSE(chooseGpuGemm(kH200, floats).mma);
}

TEST(GpuTileCost, SlowMatrixUnitsAreNotChosen) {
  TileTarget slow = kGb10;
  slow.gpu.int8 = 1e12;
  EXPECT_FALSE(chooseGpuGemm(slow, shape(4096, 512)).mma);
}

/// Hopper's four warps together, where rows and tokens fill the chip with their
/// large tiles; nobody else has them, and one token has no use for them.
TEST(GpuTileCost, FourWarpsTogetherTakeLargeProducts) {
  TileTarget hopper = kH200;
  hopper.gpu.wgmma = true;
  for (uint64_t rows : {4096u, 24576u, 151936u}) {
    TileChoice choice = chooseGpuGemm(hopper, shape(rows, 512));
    EXPECT_TRUE(choice.wgmma && choice.mma) << rows << " rows";
    EXPECT_EQ(choice.rowGroups, 8u);
    EXPECT_EQ(choice.tokens, 64u);
    EXPECT_FALSE(chooseGpuGemm(kH200, shape(rows, 512)).wgmma);
    EXPECT_LT(gpuGemmSeconds(hopper, shape(rows, 512), choice),
              gpuGemmSeconds(hopper, shape(rows, 512),
                             chooseGpuGemm(kH200, shape(rows, 512))));
    EXPECT_FALSE(chooseGpuGemm(hopper, shape(rows, 1)).wgmma);
    EXPECT_FALSE(chooseGpuGemm(hopper, shape(rows, 8)).wgmma);
  }
  // Two blocks would leave most of the chip idle.
  TileChoice small = chooseGpuGemm(hopper, shape(256, 64));
  EXPECT_FALSE(small.wgmma);
  // Items that must be a multiple of what no eight row groups are.
  GemmShape three = shape(24576, 512);
  three.segments = 3;
  three.q8Output = true;
  EXPECT_FALSE(chooseGpuGemm(hopper, three).wgmma);
  GemmShape floats = shape(4096, 512);
  floats.plain = true;
  EXPECT_FALSE(chooseGpuGemm(hopper, floats).wgmma);
  EXPECT_NE(
      gpuGemmReason(hopper, shape(4096, 512)).find(", by four warps (wgmma) "),
      std::string::npos);
  EXPECT_EQ(gpuGemmReason(kH200, shape(4096, 512)).find("wgmma"),
            std::string::npos);
}

TEST(GpuTileCost, ItemsWriteWholeBlocks) {
  GemmShape gated = shape(24576, 512);
  gated.segments = 2;
  gated.q8Output = true;
  for (const TileChoice &choice : gpuGemmCandidates(kH200, gated))
    EXPECT_EQ(choice.rowGroups % 4, 0u);
  EXPECT_TRUE(chooseGpuGemm(kH200, gated).mma);
}

/// Eight warps, two row groups each, share the rest of the tile evenly, within
/// 48 KiB of sums and stages.
TEST(GpuTileCost, CandidatesAreTilesThatKernelsCanHave) {
  unsigned units = 0;
  for (const TileChoice &choice : gpuGemmCandidates(kH200, shape(4096, 512))) {
    if (!choice.mma)
      continue;
    ++units;
    unsigned rowWarps = choice.rowGroups == 1 ? 1 : choice.rowGroups / 2;
    EXPECT_EQ(8 % rowWarps, 0u);
    EXPECT_EQ(choice.tokens % (64 / rowWarps), 0u);
    EXPECT_LE(choice.tokens * (64 * choice.rowGroups + 2 * 112), 48u << 10);
  }
  EXPECT_GE(units, 3u);
}

TEST(GpuTileCost, SecondsFollowMemoryForOneTokenAndProductsForMany) {
  TileChoice one = chooseGpuGemm(kGb10, shape(24576, 1));
  double memory = 24576.0 * 2304 / 273e9;
  EXPECT_GE(gpuGemmSeconds(kGb10, shape(24576, 1), one), memory);
  EXPECT_LE(gpuGemmSeconds(kGb10, shape(24576, 1), one), 1.2 * memory);
  TileChoice many = chooseGpuGemm(kGb10, shape(24576, 512));
  double twice = gpuGemmSeconds(kGb10, shape(24576, 1024), many) /
                 gpuGemmSeconds(kGb10, shape(24576, 512), many);
  EXPECT_NEAR(twice, 2, 0.1);
}

/// 128 experts, 8 of which take each token.
TEST(GpuTileCost, ExpertsTakeMatrixUnitsOnceTheyHaveRows) {
  GemmShape expert = shape(1536, 512);
  expert.segments = 2;
  expert.q8Output = true;
  TileChoice many = chooseGpuGrouped(kH200, expert, 128, 8);
  EXPECT_TRUE(many.mma);
  EXPECT_EQ(many.tokens, 32u);
  EXPECT_EQ(many.rowGroups, 4u);
  EXPECT_EQ(chooseGpuGrouped(kH200, shape(1536, 4096), 128, 8).tokens, 64u);
  expert.tokens = 8;
  EXPECT_FALSE(chooseGpuGrouped(kH200, expert, 128, 8).mma);
  expert.tokens = 512;
  expert.plain = true;
  EXPECT_FALSE(chooseGpuGrouped(kH200, expert, 128, 8).mma);
}

TEST(GpuTileCost, FloatsOfFourBitsAlwaysTakeTheirOwnUnits) {
  TileTarget gb10 = kGb10;
  gb10.gpu.fp4 = 490e12;
  GemmShape floats = shape(4096, 1);
  floats.float4 = true;
  EXPECT_EQ(chooseGpuGemm(gb10, floats).tokens, 8u);
  EXPECT_TRUE(chooseGpuGemm(gb10, floats).mma);
  floats.tokens = 512;
  TileChoice many = chooseGpuGemm(gb10, floats);
  EXPECT_TRUE(many.mma);
  EXPECT_EQ(many.tokens * many.rowGroups, 256u);
  EXPECT_LT(gpuGemmSeconds(gb10, floats, many),
            gpuGemmSeconds(gb10, shape(4096, 512),
                           chooseGpuGemm(gb10, shape(4096, 512))));
  TileChoice experts = chooseGpuGrouped(gb10, floats, 32, 4);
  EXPECT_TRUE(experts.mma);
  EXPECT_GE(experts.tokens, 16u);
}

/// F16 or BF16 matrices of an 8B model.
GemmShape floats16(uint64_t rows, uint64_t tokens, bool f16 = true) {
  GemmShape floats = shape(rows, tokens);
  floats.weightRowBytes = 8192;
  floats.inputRowBytes = 16384;
  floats.plain = true;
  floats.f16 = f16;
  floats.bf16 = !f16;
  return floats;
}

/// Lanes have another order of sums.
TEST(GpuTileCost, FloatsOf16BitsTakeMatrixUnitsInEveryRegime) {
  for (const TileTarget &target : {kGb10, kH200, kRtx3090})
    for (bool f16 : {true, false})
      for (uint64_t rows : {1024u, 4096u, 24576u, 151936u})
        for (uint64_t tokens : {1u, 8u, 512u}) {
          const GemmShape floats = floats16(rows, tokens, f16);
          TileChoice choice = chooseGpuGemm(target, floats);
          EXPECT_TRUE(choice.mma);
          EXPECT_EQ(choice.tokens == 8, tokens <= 8) << tokens << " tokens";
          for (const TileChoice &other : gpuGemmCandidates(target, floats))
            EXPECT_TRUE(other.mma);
        }
  TileTarget old = kRtx3090;
  old.gpu.mma = false;
  for (uint64_t tokens : {1u, 512u})
    EXPECT_FALSE(chooseGpuGemm(old, floats16(4096, tokens)).mma);
}

/// At the memory's speed, but for what begins and ends.
TEST(GpuTileCost, FewTokensOf16BitsReadTheWeightsOnce) {
  for (const TileTarget &target : {kGb10, kH200, kRtx3090})
    for (uint64_t tokens : {1u, 8u}) {
      const GemmShape floats = floats16(24576, tokens);
      double memory = 24576.0 * 8192 / target.gpu.bandwidth;
      double seconds =
          gpuGemmSeconds(target, floats, chooseGpuGemm(target, floats));
      EXPECT_GE(seconds, memory);
      EXPECT_LE(seconds, 1.2 * memory);
    }
}

/// Much faster than lanes, two halves slower than one BF16 where units are the
/// bound, and in tiles whose blocks load less than they multiply.
TEST(GpuTileCost, ManyTokensOf16BitsTakeLargeTiles) {
  for (const TileTarget &target : {kGb10, kH200, kRtx3090}) {
    const GemmShape halves = floats16(24576, 512),
                    bfloats = floats16(24576, 512, false);
    TileChoice choice = chooseGpuGemm(target, halves);
    EXPECT_GE(choice.rowGroups * choice.tokens, 128u);
    double seconds = gpuGemmSeconds(target, halves, choice);
    TileChoice lanes;
    lanes.rowGroups = 4;
    lanes.tokens = 4;
    EXPECT_GT(gpuGemmSeconds(target, halves, lanes), 2.5 * seconds);
    EXPECT_LE(gpuGemmSeconds(target, bfloats, chooseGpuGemm(target, bfloats)),
              seconds);
  }
  TileChoice wide = chooseGpuGemm(kH200, floats16(24576, 512));
  EXPECT_EQ(wide.rowGroups, 8u);
  EXPECT_EQ(wide.tokens, 128u);
}

TEST(GpuTileCost, FloatsOf16BitsHaveTheRowsThatItemsNeed) {
  GemmShape gated = floats16(24576, 8);
  gated.segments = 2;
  gated.q8Output = true;
  EXPECT_EQ(chooseGpuGemm(kH200, gated).rowGroups, 4u);
  gated.segments = 3; // six row groups: no ring holds them
  EXPECT_FALSE(chooseGpuGemm(kH200, gated).mma);
  gated.tokens = 512;
  gated.decode = false;
  EXPECT_FALSE(chooseGpuGemm(kH200, gated).mma);
}

/// Of 128 experts 8 take each token: few rows until there are many tokens.
TEST(GpuTileCost, ExpertsOf16BitsTakeTilesOfTheirRows) {
  for (auto [tokens, tile] :
       {std::pair(1, 8), std::pair(128, 8), std::pair(256, 16),
        std::pair(512, 32), std::pair(4096, 64)}) {
    TileChoice choice = chooseGpuGrouped(kH200, floats16(1536, tokens), 128, 8);
    EXPECT_TRUE(choice.mma);
    EXPECT_EQ(choice.tokens, unsigned(tile)) << tokens;
    EXPECT_EQ(choice.rowGroups, tile == 8 ? 2u : 4u);
  }
}

TEST(GpuTileCost, ReasonsNameBothTimes) {
  std::string reason = gpuGemmReason(kH200, shape(4096, 512));
  EXPECT_NE(reason.find("512 tokens: lanes (dp4a) "), std::string::npos);
  EXPECT_NE(reason.find(", matrix units (mma) "), std::string::npos);
  GemmShape floats = shape(4096, 512);
  floats.plain = true;
  EXPECT_NE(gpuGemmReason(kH200, floats).find("the only kernel of such"),
            std::string::npos);
  reason = gpuGemmReason(kH200, floats16(4096, 512));
  EXPECT_NE(reason.find("512 tokens: matrix units (mma), the best of "),
            std::string::npos);
  EXPECT_NE(reason.find("in an order of their own"), std::string::npos);
}

TEST(GpuTileCost, ReasonsSayWhyThereAreNoMatrixUnits) {
  TileTarget old = kRtx3090;
  old.gpu.mma = false;
  EXPECT_TRUE(gpuGemmReason(old, shape(4096, 512))
                  .ends_with(", the chip has no mma of 16x8x32 bytes"));
  // Eight warps cannot share three row groups.
  GemmShape three = shape(4096, 512);
  three.segments = 3;
  EXPECT_FALSE(chooseGpuGemm(kH200, three).mma);
  EXPECT_TRUE(
      gpuGemmReason(kH200, three).ends_with(", no tile of matrix units fits"));
}

TEST(GpuTileCost, ReasonOfFourBitFloatsIsTheFormat) {
  TileTarget gb10 = kGb10;
  gb10.gpu.fp4 = 490e12;
  GemmShape floats = shape(4096, 512);
  floats.float4 = true;
  EXPECT_EQ(gpuGemmReason(gb10, floats), kFloat4Reason);
}

} // namespace
} // namespace sinter
