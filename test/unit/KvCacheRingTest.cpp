/// Tests that states with a window keep a ring of pages: what attention looks
/// at is there, no more is taken, and forks, copies and cuts stay right.
#include "runtime/KvCache.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

using namespace sinter;

namespace {

constexpr uint32_t kPageTokens = 16, kWindow = 20, kStep = 8;
/// Bytes of a page of the state without a window and of the one with it.
constexpr uint64_t kAllBytes = 128, kRingBytes = 256;
/// Two pages hold window + step, and one more what a page's end cuts off.
constexpr uint32_t kRing = 3;

PlanState state(uint32_t width, uint32_t window) {
  return {StateKind::KvCache,
          StateElement::F32,
          1,
          width,
          width,
          0,
          uint64_t(2) * width * kPageTokens * 4,
          window,
          0};
}

KvCache makeCache(uint32_t context, uint32_t sequences) {
  PlanState states[] = {state(1, 0), state(2, kWindow)};
  auto cache = KvCache::create(states, {.pageTokens = kPageTokens,
                                        .contextLength = context,
                                        .sequences = sequences,
                                        .largestStep = kStep});
  EXPECT_TRUE(cache.ok()) << cache.status().message();
  return std::move(*cache);
}

/// The 4 bytes of a token in the ring of state 1, as a kernel finds them.
uint32_t &token(const KvCache &cache, uint32_t slot, uint32_t position) {
  const auto *ring = static_cast<const CacheRing *>(cache.operand(1));
  uint32_t block = position / kPageTokens;
  int32_t page = ring->pages[slot * ring->blocks + block % ring->blocks];
  auto *bytes = static_cast<std::byte *>(ring->pool) + page * kRingBytes;
  return reinterpret_cast<uint32_t *>(bytes)[position % kPageTokens];
}

TEST(KvCacheRing, HoldsWindowAndStepButNeverMoreThanTheContext) {
  EXPECT_EQ(ringBlocks(kWindow, kStep, kPageTokens, 1000), kRing);
  EXPECT_EQ(ringBlocks(kWindow, kStep, kPageTokens, 30), 2u);
  EXPECT_EQ(ringBlocks(4096, 512, 64, 131072), 73u);
  KvCache cache = makeCache(160, 2);
  EXPECT_EQ(cache.reservedBytes(), 2 * (10 * kAllBytes + kRing * kRingBytes));
  EXPECT_EQ(cache.operand(0), cache.pool(0));
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(cache.append(0, kStep).ok());
  EXPECT_EQ(cache.length(0), 160u);
  EXPECT_EQ(cache.usedBytes(), 10 * kAllBytes + kRing * kRingBytes);
  EXPECT_EQ(cache.readBytes(0), 8u + 16u);
  EXPECT_EQ(cache.readBytes(159), 160 * 8u + kWindow * 16u);
}

TEST(KvCacheRing, RefusesToGoBackFurtherThanItHolds) {
  KvCache cache = makeCache(160, 1);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(cache.append(0, kStep).ok());
  // 80 tokens are five pages: pages 2 to 4, tokens from 32 on, are there.
  Status status = cache.truncate(0, 50);
  EXPECT_EQ(status.code(), Code::OutOfRange);
  EXPECT_EQ(status.message(),
            "sequence 0 of 80 tokens cannot be cut back to 50: layers with a "
            "window of 20 hold tokens from 32 on; expected at least 51, or 0");
  EXPECT_EQ(cache.length(0), 80u);
  EXPECT_TRUE(cache.truncate(0, 51).ok());
  EXPECT_EQ(cache.length(0), 51u);
  EXPECT_EQ(cache.usedBytes(), 4 * kAllBytes + 2 * kRingBytes);
  EXPECT_TRUE(cache.truncate(0, 0).ok());
  EXPECT_EQ(cache.usedBytes(), 0u);
  ASSERT_TRUE(cache.append(0, kStep).ok());
  EXPECT_EQ(token(cache, 0, 0), 0u);
}

TEST(KvCacheRing, ShortSequencesMayGoBackAnywhere) {
  KvCache cache = makeCache(160, 1);
  for (int i = 0; i < 6; ++i)
    ASSERT_TRUE(cache.append(0, kStep).ok());
  for (uint32_t length = 48; length-- > 0;)
    ASSERT_TRUE(cache.truncate(0, length).ok());
}

/// `saved` without the first `pages` pages that a group has at `offset`, which
/// then says so.
std::vector<std::byte> withoutPages(std::vector<std::byte> saved, size_t offset,
                                    uint32_t pages, uint64_t pageBytes) {
  uint32_t oldest;
  std::memcpy(&oldest, saved.data() + offset, sizeof(oldest));
  oldest += pages;
  std::memcpy(saved.data() + offset, &oldest, sizeof(oldest));
  auto first = saved.begin() + offset + sizeof(oldest);
  saved.erase(first, first + pages * pageBytes);
  return saved;
}

TEST(KvCacheRing, TakesNoSnapshotThatLacksTokens) {
  KvCache cache = makeCache(160, 2);
  for (int i = 0; i < 10; ++i)
    ASSERT_TRUE(cache.append(0, kStep).ok());
  std::vector<std::byte> saved(cache.heldBytes(0));
  cache.save(0, saved.data());
  // Five pages of the whole cache, then pages 2 to 4 of the ring.
  const size_t ring = 4 + 5 * kAllBytes;
  ASSERT_EQ(saved.size(), ring + 4 + 3 * kRingBytes);
  for (const auto &damaged : {withoutPages(saved, 0, 1, kAllBytes),
                              withoutPages(saved, 0, 5, kAllBytes),
                              withoutPages(saved, ring, 2, kRingBytes),
                              withoutPages(saved, ring, 3, kRingBytes)}) {
    Status status = cache.restore(1, 80, damaged);
    EXPECT_EQ(status.code(), Code::CorruptData);
    EXPECT_EQ(cache.length(1), 0u);
  }
  // The window of token 80 begins at 61, in page 3.
  EXPECT_TRUE(
      cache.restore(1, 80, withoutPages(saved, ring, 1, kRingBytes)).ok());
  EXPECT_TRUE(cache.restore(1, 80, saved).ok());
}

/// What each sequence should hold: a number for every position.
struct Expected {
  std::vector<std::vector<uint32_t>> sequences;
};

/// Every token that a token behind `slot`'s last would look at.
void checkWindow(const KvCache &cache, const Expected &expected,
                 uint32_t slot) {
  const std::vector<uint32_t> &numbers = expected.sequences[slot];
  auto length = static_cast<uint32_t>(numbers.size());
  ASSERT_EQ(cache.length(slot), length);
  for (uint32_t p = length - std::min(length, kWindow - 1); p < length; ++p)
    ASSERT_EQ(token(cache, slot, p), numbers[p])
        << "sequence " << slot << " position " << p << " of " << length;
}

void appendRandom(KvCache &cache, Expected &expected, uint32_t slot,
                  std::mt19937 &random) {
  std::vector<uint32_t> &numbers = expected.sequences[slot];
  uint32_t room = cache.contextLength() - cache.length(slot);
  uint32_t count = std::min(room, uint32_t(1 + random() % kStep));
  uint32_t first = cache.length(slot);
  ASSERT_TRUE(cache.append(slot, count).ok());
  // A step writes all its tokens, then its first one looks back.
  for (uint32_t i = 0; i < count; ++i) {
    numbers.push_back(static_cast<uint32_t>(random()));
    token(cache, slot, first + i) = numbers.back();
  }
  for (uint32_t p = first + 1 - std::min(first + 1, kWindow); p < first; ++p)
    ASSERT_EQ(token(cache, slot, p), numbers[p]) << "step at " << first;
}

/// Random steps, cuts and forks over three sequences.
TEST(KvCacheRing, KeepsWhatAttentionLooksAtThroughForksAndCuts) {
  std::mt19937 random(7);
  KvCache cache = makeCache(400, 3);
  Expected expected{std::vector<std::vector<uint32_t>>(3)};
  int cuts = 0, forks = 0, refusals = 0;
  for (int round = 0; round < 4000; ++round) {
    uint32_t slot = random() % 3, other = random() % 3;
    std::vector<uint32_t> &numbers = expected.sequences[slot];
    switch (random() % 8) {
    case 0: {
      auto length = numbers.empty() ? 0 : uint32_t(random() % numbers.size());
      if (random() % 4)
        length = std::max<uint32_t>(
            length, numbers.size() - std::min<size_t>(numbers.size(), 12));
      if (!cache.truncate(slot, length).ok()) {
        ++refusals;
        break;
      }
      ++cuts;
      numbers.resize(length);
      break;
    }
    case 1:
      if (numbers.empty() || slot == other)
        break;
      ASSERT_TRUE(cache.truncate(other, 0).ok());
      ASSERT_TRUE(cache.fork(slot, other).ok());
      expected.sequences[other] = numbers;
      ++forks;
      break;
    default:
      appendRandom(cache, expected, slot, random);
      if (cache.length(slot) == cache.contextLength()) {
        ASSERT_TRUE(cache.truncate(slot, 0).ok());
        numbers.clear();
      }
    }
    for (uint32_t s = 0; s < 3; ++s)
      checkWindow(cache, expected, s);
    ASSERT_LE(cache.usedBytes(), cache.reservedBytes());
  }
  EXPECT_GT(cuts, 100);
  EXPECT_GT(forks, 100);
  EXPECT_GT(refusals, 10);
  for (uint32_t s = 0; s < 3; ++s)
    ASSERT_TRUE(cache.truncate(s, 0).ok());
  EXPECT_EQ(cache.usedBytes(), 0u);
}

} // namespace
