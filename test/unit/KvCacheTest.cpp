/// Tests that pages are counted exactly, zero when taken, shared by forks and
/// copied before they are written.
#include "runtime/KvCache.h"

#include <gtest/gtest.h>

#include <cstring>

using namespace sinter;

namespace {

constexpr uint32_t kPageTokens = 16;

PlanState state(uint32_t width) {
  return {StateKind::KvCache,
          StateElement::F32,
          1,
          width,
          width,
          0,
          uint64_t(2) * width * kPageTokens * 4,
          0,
          0};
}

CacheRequest request(uint32_t context, uint32_t sequences,
                     uint32_t largestStep = 1) {
  return {.pageTokens = kPageTokens,
          .contextLength = context,
          .sequences = sequences,
          .largestStep = largestStep};
}

KvCache makeCache(uint32_t context, uint32_t sequences) {
  PlanState states[] = {state(1), state(2)};
  auto cache = KvCache::create(states, request(context, sequences));
  EXPECT_TRUE(cache.ok()) << cache.status().message();
  return std::move(*cache);
}

std::byte *page(const KvCache &cache, size_t pool, uint32_t slot,
                uint32_t block) {
  int32_t number = cache.blockTable()[slot * cache.blockStride() + block];
  return cache.pool(pool) + number * (pool == 0 ? 128 : 256);
}

bool isZero(const std::byte *bytes, size_t count) {
  for (size_t i = 0; i < count; ++i)
    if (bytes[i] != std::byte{0})
      return false;
  return true;
}

TEST(KvCache, RefusesEmptyAndHugeRequests) {
  PlanState states[] = {state(1)};
  auto empty = KvCache::create(states, request(0, 1));
  EXPECT_EQ(empty.status().message(), "context of 0 tokens for 1 sequences, "
                                      "expected at least 1 of each");
  auto many = KvCache::create(states, request(1u << 30, 1u << 20));
  EXPECT_NE(many.status().message().find("pages, expected up to 16777216"),
            std::string::npos);
  PlanState huge = state(1);
  huge.pageBytes = uint64_t(1) << 60;
  auto overflow = KvCache::create({&huge, 1}, request(1u << 10, 1));
  EXPECT_EQ(overflow.status().code(), Code::ResourceExhausted);
  EXPECT_NE(overflow.status().message().find("more than can be addressed"),
            std::string::npos);
  huge.pageBytes = uint64_t(1) << 50;
  auto large = KvCache::create({&huge, 1}, request(1u << 10, 1));
  EXPECT_EQ(large.status().code(), Code::ResourceExhausted);
  EXPECT_NE(large.status().message().find("cannot reserve"), std::string::npos);
}

TEST(KvCache, GrowsByPagesAndCountsBytes) {
  KvCache cache = makeCache(100, 2);
  EXPECT_EQ(cache.readBytes(0), (128u + 256u) / kPageTokens);
  EXPECT_EQ(cache.readBytes(31), 2u * (128 + 256));
  EXPECT_EQ(cache.reservedBytes(), 2u * 7 * 384);
  EXPECT_EQ(cache.usedBytes(), 0u);
  ASSERT_TRUE(cache.append(0, 1).ok());
  EXPECT_EQ(cache.usedBytes(), 384u);
  ASSERT_TRUE(cache.append(0, 15).ok());
  EXPECT_EQ(cache.usedBytes(), 384u);
  ASSERT_TRUE(cache.append(0, 84).ok());
  EXPECT_EQ(cache.length(0), 100u);
  EXPECT_EQ(cache.usedBytes(), 7u * 384);
  Status full = cache.append(0, 1);
  EXPECT_EQ(full.code(), Code::OutOfRange);
  EXPECT_EQ(full.message(),
            "sequence of 100 tokens plus 1 exceeds the context of 100");
  ASSERT_TRUE(cache.append(1, 100).ok());
  EXPECT_EQ(cache.usedBytes(), cache.reservedBytes());
  ASSERT_TRUE(cache.truncate(0, 33).ok());
  EXPECT_EQ(cache.usedBytes(), 10u * 384);
  ASSERT_TRUE(cache.truncate(0, 0).ok());
  ASSERT_TRUE(cache.truncate(1, 0).ok());
  EXPECT_EQ(cache.usedBytes(), 0u);
}

TEST(KvCache, PagesDoNotMoveAndAreZeroAgainWhenReused) {
  KvCache cache = makeCache(64, 1);
  ASSERT_TRUE(cache.append(0, 16).ok());
  std::byte *first = page(cache, 1, 0, 0);
  EXPECT_TRUE(isZero(first, 256));
  std::memset(first, 0xff, 256);
  ASSERT_TRUE(cache.append(0, 32).ok());
  EXPECT_EQ(page(cache, 1, 0, 0), first);
  ASSERT_TRUE(cache.truncate(0, 0).ok());
  ASSERT_TRUE(cache.append(0, 64).ok());
  for (uint32_t block = 0; block < 4; ++block)
    EXPECT_TRUE(isZero(page(cache, 1, 0, block), 256));
}

TEST(KvCache, ForkSharesFullPagesAndCopiesTheOpenOne) {
  KvCache cache = makeCache(64, 2);
  ASSERT_TRUE(cache.append(0, 20).ok());
  std::memset(page(cache, 0, 0, 0), 1, 128);
  std::memset(page(cache, 0, 0, 1), 2, 128);
  ASSERT_TRUE(cache.fork(0, 1).ok());
  EXPECT_EQ(cache.length(1), 20u);
  EXPECT_EQ(cache.usedBytes(), 2u * 384);
  EXPECT_EQ(page(cache, 0, 0, 1), page(cache, 0, 1, 1));

  ASSERT_TRUE(cache.append(1, 1).ok());
  EXPECT_EQ(cache.usedBytes(), 3u * 384);
  EXPECT_EQ(page(cache, 0, 0, 0), page(cache, 0, 1, 0));
  EXPECT_NE(page(cache, 0, 0, 1), page(cache, 0, 1, 1));
  EXPECT_EQ(std::memcmp(page(cache, 0, 0, 1), page(cache, 0, 1, 1), 128), 0);

  ASSERT_TRUE(cache.truncate(0, 0).ok());
  EXPECT_EQ(cache.usedBytes(), 2u * 384);
  EXPECT_EQ(*page(cache, 0, 1, 0), std::byte{1});
  Status status = cache.fork(0, 1);
  EXPECT_EQ(status.code(), Code::InvalidArgument);
  EXPECT_EQ(status.message(), "sequence 1 holds 21 tokens; only an empty one "
                              "can take over another's");
}

TEST(KvCache, TheLastOwnerWritesInPlace) {
  KvCache cache = makeCache(64, 2);
  ASSERT_TRUE(cache.append(0, 5).ok());
  ASSERT_TRUE(cache.fork(0, 1).ok());
  std::byte *shared = page(cache, 0, 1, 0);
  ASSERT_TRUE(cache.truncate(0, 0).ok());
  ASSERT_TRUE(cache.append(1, 1).ok());
  EXPECT_EQ(page(cache, 0, 1, 0), shared);
  EXPECT_EQ(cache.usedBytes(), 384u);
}

/// Truncating into a shared page and appending again must not write it.
TEST(KvCache, TruncatedForkCopiesBeforeWriting) {
  KvCache cache = makeCache(64, 2);
  ASSERT_TRUE(cache.append(0, 32).ok());
  ASSERT_TRUE(cache.fork(0, 1).ok());
  ASSERT_TRUE(cache.truncate(1, 20).ok());
  ASSERT_TRUE(cache.append(1, 4).ok());
  EXPECT_NE(page(cache, 0, 0, 1), page(cache, 0, 1, 1));
}

} // namespace
