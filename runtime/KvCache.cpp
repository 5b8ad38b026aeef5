/// Every container has its final size from the start, so that a step only
/// moves numbers.
#include "runtime/KvCache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace sinter {

/// Fewer pages than this, so that page numbers and table sizes stay small.
static constexpr uint64_t kMaxPages = uint64_t(1) << 28;

Result<KvCache> KvCache::create(std::span<const PlanState> states,
                                uint32_t pageTokens, uint32_t contextLength,
                                uint32_t sequences) {
  assert(pageTokens > 0 && "a checked plan has tokens in a page");
  if (contextLength == 0 || sequences == 0)
    return Status(Code::InvalidArgument,
                  fmt::format("context of {} tokens for {} sequences, expected "
                              "at least 1 of each",
                              contextLength, sequences));
  KvCache cache;
  cache.pageTokens_ = pageTokens;
  cache.contextLength_ = contextLength;
  cache.blocksPerSequence_ = cache.blockCount(contextLength);
  uint64_t pages = uint64_t(cache.blocksPerSequence_) * sequences;
  if (pages > kMaxPages)
    return Status(Code::InvalidArgument,
                  fmt::format("context of {} tokens for {} sequences needs {} "
                              "pages, expected up to {}",
                              contextLength, sequences, pages, kMaxPages));
  for (const PlanState &state : states) {
    uint64_t bytes;
    if (__builtin_mul_overflow(pages, state.pageBytes, &bytes))
      return Status(Code::ResourceExhausted,
                    fmt::format("KV cache of {} pages of {} bytes is more than "
                                "can be addressed",
                                pages, state.pageBytes));
    Result<MappedMemory> pool = MappedMemory::reserve(
        bytes, fmt::format("the KV cache of {} tokens (a smaller --ctx needs "
                           "less)",
                           contextLength));
    if (!pool.ok())
      return pool.status();
    cache.pools_.push_back(std::move(*pool));
    cache.statePageBytes_.push_back(state.pageBytes);
    cache.pageBytes_ += state.pageBytes;
  }
  cache.blocks_.assign(pages, 0);
  cache.used_.assign(sequences, 0);
  cache.owners_.assign(pages, 0);
  cache.free_.reserve(pages);
  return cache;
}

uint32_t KvCache::blockCount(uint32_t tokens) const {
  return static_cast<uint32_t>((uint64_t(tokens) + pageTokens_ - 1) /
                               pageTokens_);
}

int32_t *KvCache::row(uint32_t slot) {
  return blocks_.data() + size_t(slot) * blocksPerSequence_;
}

uint64_t KvCache::reservedBytes() const { return pageBytes_ * owners_.size(); }

int32_t KvCache::takePage() {
  int32_t page;
  if (!free_.empty()) {
    page = free_.back();
    free_.pop_back();
    for (size_t i = 0; i < pools_.size(); ++i)
      std::memset(pools_[i].data() + page * statePageBytes_[i], 0,
                  statePageBytes_[i]);
  } else {
    assert(size_t(fresh_) < owners_.size() && "sequences need no more pages");
    page = fresh_++;
  }
  owners_[page] = 1;
  ++usedPages_;
  return page;
}

void KvCache::dropPage(int32_t page) {
  if (--owners_[page] > 0)
    return;
  free_.push_back(page);
  --usedPages_;
}

void KvCache::makeWritable(int32_t &block) {
  if (owners_[block] == 1)
    return;
  int32_t copy = takePage();
  for (size_t i = 0; i < pools_.size(); ++i)
    std::memcpy(pools_[i].data() + copy * statePageBytes_[i],
                pools_[i].data() + block * statePageBytes_[i],
                statePageBytes_[i]);
  dropPage(block);
  block = copy;
}

Status KvCache::append(uint32_t slot, uint32_t count) {
  uint32_t held = used_[slot];
  if (count > contextLength_ - held)
    return Status(Code::OutOfRange,
                  fmt::format("sequence of {} tokens plus {} exceeds the "
                              "context of {}",
                              held, count, contextLength_));
  if (count == 0)
    return {};
  int32_t *blocks = row(slot);
  if (held % pageTokens_ != 0)
    makeWritable(blocks[held / pageTokens_]);
  for (uint32_t i = blockCount(held), e = blockCount(held + count); i < e; ++i)
    blocks[i] = takePage();
  used_[slot] = held + count;
  return {};
}

void KvCache::truncate(uint32_t slot, uint32_t length) {
  assert(length <= used_[slot] && "only tokens that are held can be dropped");
  int32_t *blocks = row(slot);
  for (uint32_t i = blockCount(used_[slot]); i > blockCount(length); --i)
    dropPage(std::exchange(blocks[i - 1], 0));
  used_[slot] = length;
}

Status KvCache::fork(uint32_t from, uint32_t to) {
  if (used_[to] != 0)
    return Status(Code::InvalidArgument,
                  fmt::format("sequence {} holds {} tokens; only an empty one "
                              "can take over another's",
                              to, used_[to]));
  const int32_t *blocks = row(from);
  uint32_t count = blockCount(used_[from]);
  for (uint32_t i = 0; i < count; ++i)
    ++owners_[blocks[i]];
  std::copy_n(blocks, count, row(to));
  used_[to] = used_[from];
  return {};
}

} // namespace sinter
