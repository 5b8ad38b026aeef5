/// Buffers that are alive together never overlap, and the arena is no larger
/// than it must be in simple cases.
#include "passes/plan/ArenaLayout.h"

#include <gtest/gtest.h>

#include <random>

namespace sinter {
namespace {

TEST(ArenaLayout, EmptyArenaHasNoBytes) { EXPECT_EQ(layOut({}).bytes, 0u); }

TEST(ArenaLayout, ChainNeedsTwoBuffers) {
  std::vector<Lifetime> chain;
  for (uint32_t i = 0; i < 10; ++i)
    chain.push_back({128, i, i + 1});
  EXPECT_EQ(layOut(chain).bytes, 256u);
}

TEST(ArenaLayout, SmallestGapWins) {
  // Gaps of 256 at 0 and of 128 at 384 are free when the last one comes.
  ArenaLayout layout =
      layOut({{256, 0, 1}, {128, 0, 9}, {128, 0, 1}, {64, 0, 9}, {128, 2, 9}});
  EXPECT_EQ(layout.offsets[4], layout.offsets[2]);
}

TEST(ArenaLayout, LiveBuffersNeverOverlap) {
  std::mt19937 random(7);
  for (int round = 0; round < 50; ++round) {
    std::vector<Lifetime> buffers(40);
    for (Lifetime &buffer : buffers) {
      buffer.bytes = 64 * (1 + random() % 50);
      buffer.first = random() % 30;
      buffer.last = buffer.first + random() % 10;
    }
    ArenaLayout layout = layOut(buffers);
    for (size_t a = 0; a < buffers.size(); ++a) {
      EXPECT_EQ(layout.offsets[a] % 64, 0u);
      EXPECT_LE(layout.offsets[a] + buffers[a].bytes, layout.bytes);
      for (size_t b = 0; b < a; ++b)
        if (buffers[a].first <= buffers[b].last &&
            buffers[b].first <= buffers[a].last) {
          EXPECT_TRUE(layout.offsets[a] + buffers[a].bytes <=
                          layout.offsets[b] ||
                      layout.offsets[b] + buffers[b].bytes <= layout.offsets[a])
              << a << " and " << b;
        }
    }
  }
}

} // namespace
} // namespace sinter
