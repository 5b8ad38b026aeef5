/// Tile rules in both regimes, and what an item must be a multiple of.
#include "passes/tile/TileCost.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace sinter {
namespace {

constexpr TileTarget kV4 = {
    .registers = 32, .cores = 2, .l2 = 1 << 20, .prefetch = 4096};
constexpr TileTarget kV3 = {.registers = 16, .cores = 8, .l2 = 256 << 10};

/// A Q4_K matrix of a 0.6B model: 3072 × 1024.
GemmShape shape(uint64_t rows, bool decode) {
  return {.weightRows = rows,
          .weightRowBytes = 576,
          .inputRowBytes = 1216,
          .decode = decode,
          .tokens = decode ? 8u : 512u};
}

TEST(TileCost, RegistersBoundTokens) {
  EXPECT_EQ(chooseGemm(kV4, shape(3072, false)).tokens, 8u);
  EXPECT_EQ(chooseGemm(kV4, shape(3072, true)).tokens, 8u);
  EXPECT_EQ(chooseGemm(kV3, shape(3072, false)).tokens, 4u);
}

TEST(TileCost, OnlyDecodePrefetches) {
  EXPECT_EQ(chooseGemm(kV4, shape(3072, false)).prefetch, 0u);
  EXPECT_EQ(chooseGemm(kV4, shape(3072, true)).prefetch, 4096u);
  EXPECT_EQ(chooseGemm(kV3, shape(3072, true)).prefetch, 0u);
}

TEST(TileCost, EveryCoreHasItems) {
  for (uint64_t rows : {256u, 1024u, 3072u, 151936u})
    for (bool decode : {false, true})
      for (const TileTarget &target : {kV4, kV3}) {
        TileChoice choice = chooseGemm(target, shape(rows, decode));
        uint64_t items = gemmItems(shape(rows, decode), choice.rowGroups);
        uint64_t most = rows / 16;
        EXPECT_GE(items, std::min<uint64_t>(most, 8 * target.cores))
            << rows << " rows";
      }
}

TEST(TileCost, QuantisedOutputHasWholeBlocks) {
  GemmShape gated = shape(6144, true);
  gated.segments = 2;
  EXPECT_EQ(rowGroupStep(gated), 2u);
  gated.q8Output = true;
  EXPECT_EQ(rowGroupStep(gated), 4u);
  EXPECT_EQ(chooseGemm(kV4, gated).rowGroups % 4, 0u);
  // Even where that leaves fewer items than cores.
  gated.weightRows = 64;
  EXPECT_EQ(chooseGemm(kV3, gated).rowGroups, 4u);
}

TEST(TileCost, CostFollowsTheSlowestCore) {
  // 17 items on 2 cores: one core has 9 of them.
  GemmShape uneven = shape(17 * 16, true), even = shape(18 * 16, true);
  EXPECT_EQ(gemmCost(kV4, uneven, 1), gemmCost(kV4, even, 1));
  EXPECT_GT(gemmCost(kV4, even, 1), gemmCost(kV4, even, 2));
}

TEST(TileCost, WeightsBeyondTheCacheAreReadAgain) {
  GemmShape wide = shape(4096, false);
  wide.weightRowBytes = 64 << 10; // 16 rows fill the cache
  uint64_t once = gemmCost(kV4, wide, 1);
  wide.decode = true;
  EXPECT_GT(once, gemmCost(kV4, wide, 1));
}

/// 64 row groups, of which two cores want 16 items.
TEST(TileCost, ReasonsNameCostsAndWhatTheNextSizeWouldLeave) {
  std::string reason = gemmReason(kV4, shape(1024, true));
  for (const char *part :
       {"MB through the slowest core by row groups: 1: ", ", 2: ", ", 4: ",
        "; 8 would leave 4.0 items a core of 8",
        "; tokens: a quarter of 32 registers"})
    EXPECT_NE(reason.find(part), std::string::npos) << part << "\n" << reason;
  EXPECT_EQ(reason.find(", 8: "), std::string::npos) << reason;
  // The largest size of all has no next one.
  std::string largest = gemmReason(kV4, shape(151936, true));
  EXPECT_NE(largest.find(", 16: "), std::string::npos) << largest;
  EXPECT_EQ(largest.find("would leave"), std::string::npos) << largest;
}

TEST(TileCost, AttentionTilesShareACacheHead) {
  EXPECT_EQ(chooseAttention(16, 8).tokens, 4u);
  EXPECT_EQ(chooseAttention(8, 8).tokens, 8u);
  EXPECT_EQ(chooseAttention(32, 2).tokens, 1u);
}

TEST(TileCost, ElementwiseKeepsBlocksWhole) {
  EXPECT_EQ(chooseElementwise(1024).columns, 256u);
  EXPECT_EQ(chooseElementwise(80).columns, 96u);
}

/// A Q4_K expert of 2048 → 768, gate and up in turns.
GemmShape expert(uint64_t tokens, bool decode) {
  return {.weightRows = 1536,
          .weightRowBytes = 1152,
          .inputRowBytes = 2432,
          .segments = 2,
          .q8Output = true,
          .decode = decode,
          .tokens = tokens};
}

/// The density rule: the tile is twice the rows per active expert, rounded up
/// to a power of two, and no more than registers hold.
TEST(TileCost, TokenTileFollowsRowsPerExpert) {
  for (uint64_t experts = 8; experts <= 512; experts *= 2)
    for (uint64_t tokens = 1; tokens <= 4096; tokens *= 2)
      for (uint64_t top : {1u, 2u, 8u}) {
        unsigned tile =
            chooseGrouped(kV4, expert(tokens, false), experts, top).tokens;
        uint64_t active = std::min(tokens * top, experts);
        uint64_t density = (tokens * top + active - 1) / active;
        EXPECT_GE(tile, std::min<uint64_t>(8, 2 * density));
        EXPECT_LE(tile, std::max<uint64_t>(2, 4 * density));
        EXPECT_LE(tile, 8u);
      }
}

/// One tile for decode and one for prefill, as the largest steps of both have.
TEST(TileCost, DecodeAndPrefillOfExpertsDiffer) {
  EXPECT_EQ(chooseGrouped(kV4, expert(8, true), 128, 8).tokens, 2u);
  EXPECT_EQ(chooseGrouped(kV4, expert(512, false), 128, 8).tokens, 8u);
  EXPECT_EQ(chooseGrouped(kV4, expert(8, true), 8, 2).tokens, 4u);
  EXPECT_EQ(chooseGrouped(kV3, expert(512, false), 128, 8).tokens, 4u);
  EXPECT_EQ(chooseGrouped(kV4, expert(8, true), 128, 8).prefetch, 4096u);
  EXPECT_EQ(chooseGrouped(kV4, expert(512, false), 128, 8).prefetch, 0u);
}

TEST(TileCost, ExpertsHaveOtherTilesToMeasure) {
  for (bool decode : {true, false}) {
    GemmShape expert = shape(768, decode);
    expert.q8Output = true;
    TileChoice chosen = chooseGrouped(kV4, expert, 128, 8);
    auto others = groupedCandidates(kV4, expert, chosen);
    EXPECT_GT(others.size(), 4u);
    for (const TileChoice &other : others) {
      EXPECT_FALSE(other == chosen);
      EXPECT_EQ(other.rowGroups % 2, 0u) << "whole blocks of 32 rows";
      EXPECT_LE(other.tokens, 8u);
      EXPECT_TRUE(decode || other.prefetch == 0);
    }
  }
}

TEST(TileCost, ItemsOfExpertsWriteWholeBlocks) {
  unsigned groups = chooseGrouped(kV4, expert(8, true), 128, 8).rowGroups;
  EXPECT_EQ(groups % rowGroupStep(expert(8, true)), 0u);
}

} // namespace
} // namespace sinter
