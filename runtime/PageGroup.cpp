/// Every container has its final size from the start, so that a step only
/// moves numbers.
#include "runtime/PageGroup.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <cstring>
#include <utility>

namespace sinter {

Result<PageGroup> PageGroup::create(PageShape shape, const std::string &what,
                                    std::shared_ptr<StateMemory> memory) {
  PageGroup group;
  group.memory_ = std::move(memory);
  uint64_t pages = uint64_t(shape.blocks) * shape.sequences;
  for (uint64_t pageBytes : shape.stateBytes) {
    uint64_t bytes;
    if (__builtin_mul_overflow(pages, pageBytes, &bytes))
      return Status(Code::ResourceExhausted,
                    fmt::format("KV cache of {} pages of {} bytes is more than "
                                "can be addressed",
                                pages, pageBytes));
    Result<std::byte *> pool = group.memory_->reserve(
        bytes,
        fmt::format("the KV cache of {} (a smaller --ctx needs less)", what));
    if (!pool.ok())
      return pool.status();
    group.pools_.push_back(*pool);
    group.pageBytes_ += pageBytes;
  }
  group.table_.assign(pages, 0);
  group.oldest_.assign(shape.sequences, 0);
  group.owners_.assign(pages, 0);
  group.free_.reserve(pages);
  group.shape_ = std::move(shape);
  return group;
}

uint32_t PageGroup::blockCount(uint32_t tokens) const {
  return static_cast<uint32_t>((uint64_t(tokens) + shape_.pageTokens - 1) /
                               shape_.pageTokens);
}

int32_t PageGroup::takePage() {
  int32_t page;
  if (!free_.empty()) {
    page = free_.back();
    free_.pop_back();
    for (size_t i = 0; i < pools_.size(); ++i)
      memory_->zero(pools_[i] + page * shape_.stateBytes[i],
                    shape_.stateBytes[i]);
  } else {
    assert(size_t(fresh_) < owners_.size() && "sequences need no more pages");
    page = fresh_++;
  }
  owners_[page] = 1;
  ++usedPages_;
  return page;
}

void PageGroup::dropPage(int32_t page) {
  if (--owners_[page] > 0)
    return;
  free_.push_back(page);
  --usedPages_;
}

void PageGroup::makeWritable(int32_t &entry) {
  if (owners_[entry] == 1)
    return;
  int32_t copy = takePage();
  for (size_t i = 0; i < pools_.size(); ++i)
    memory_->copy(pools_[i] + copy * shape_.stateBytes[i],
                  pools_[i] + entry * shape_.stateBytes[i],
                  shape_.stateBytes[i]);
  dropPage(entry);
  entry = copy;
}

void PageGroup::append(uint32_t slot, uint32_t held, uint32_t count) {
  if (count == 0)
    return;
  if (held % shape_.pageTokens != 0)
    makeWritable(entry(slot, held / shape_.pageTokens));
  for (uint32_t b = blockCount(held), end = blockCount(held + count); b < end;
       ++b) {
    int32_t &place = entry(slot, b);
    if (b < oldest_[slot] + shape_.blocks) {
      place = takePage();
      continue;
    }
    // The oldest page makes room: in place, unless another sequence has it.
    ++oldest_[slot];
    if (owners_[place] == 1)
      continue;
    dropPage(place);
    place = takePage();
  }
}

void PageGroup::truncate(uint32_t slot, uint32_t held, uint32_t length) {
  uint32_t keep = std::max(blockCount(length), oldest_[slot]);
  if (length == 0)
    keep = oldest_[slot];
  for (uint32_t b = blockCount(held); b > keep; --b)
    dropPage(std::exchange(entry(slot, b - 1), 0));
  if (length == 0)
    oldest_[slot] = 0;
}

void PageGroup::fork(uint32_t from, uint32_t to, uint32_t held) {
  for (uint32_t b = oldest_[from]; b < blockCount(held); ++b) {
    int32_t page = entry(from, b);
    ++owners_[page];
    entry(to, b) = page;
  }
  oldest_[to] = oldest_[from];
}

uint64_t PageGroup::heldBytes(uint32_t slot, uint32_t held) const {
  return sizeof(uint32_t) + pageBytes_ * (blockCount(held) - oldest_[slot]);
}

std::byte *PageGroup::save(uint32_t slot, uint32_t held,
                           std::byte *into) const {
  std::memcpy(into, &oldest_[slot], sizeof(uint32_t));
  into += sizeof(uint32_t);
  for (uint32_t b = oldest_[slot]; b < blockCount(held); ++b) {
    int32_t page = table_[size_t(slot) * shape_.blocks + b % shape_.blocks];
    for (size_t i = 0; i < pools_.size(); ++i) {
      uint64_t bytes = shape_.stateBytes[i];
      memory_->read(into, pools_[i] + page * bytes, bytes);
      into += bytes;
    }
  }
  return into;
}

bool PageGroup::skip(uint32_t held, uint32_t needed,
                     std::span<const std::byte> &saved) const {
  uint32_t oldest;
  if (saved.size() < sizeof(oldest))
    return false;
  std::memcpy(&oldest, saved.data(), sizeof(oldest));
  uint32_t end = blockCount(held);
  if (uint64_t(oldest) * shape_.pageTokens > needed ||
      end - oldest > shape_.blocks)
    return false;
  uint64_t bytes = sizeof(oldest) + pageBytes_ * (end - oldest);
  if (saved.size() < bytes)
    return false;
  saved = saved.subspan(bytes);
  return true;
}

const std::byte *PageGroup::load(uint32_t slot, uint32_t held,
                                 const std::byte *from) {
  std::memcpy(&oldest_[slot], from, sizeof(uint32_t));
  from += sizeof(uint32_t);
  for (uint32_t b = oldest_[slot]; b < blockCount(held); ++b) {
    int32_t page = entry(slot, b) = takePage();
    for (size_t i = 0; i < pools_.size(); ++i) {
      uint64_t bytes = shape_.stateBytes[i];
      memory_->write(pools_[i] + page * bytes, from, bytes);
      from += bytes;
    }
  }
  return from;
}

} // namespace sinter
