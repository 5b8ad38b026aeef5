/// Sorts states by their windows and asks every group of pages the same.
#include "runtime/KvCache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <utility>

namespace sinter {

static uint32_t blockCount(uint64_t tokens, uint32_t pageTokens) {
  return static_cast<uint32_t>((tokens + pageTokens - 1) / pageTokens);
}

/// window - 1 + largestStep consecutive tokens lie in one page more than they
/// fill, and the step may end anywhere in its last one.
uint32_t ringBlocks(uint32_t window, uint32_t largestStep, uint32_t pageTokens,
                    uint32_t contextLength) {
  uint64_t ring =
      uint64_t(blockCount(uint64_t(window) + largestStep, pageTokens)) + 1;
  return static_cast<uint32_t>(
      std::min<uint64_t>(ring, blockCount(contextLength, pageTokens)));
}

/// The windows of the states, 0 (none) first, each once.
static std::vector<uint32_t> windowsOf(std::span<const PlanState> states) {
  std::vector<uint32_t> windows = {0};
  for (const PlanState &state : states)
    if (state.kind == StateKind::KvCache &&
        std::find(windows.begin(), windows.end(), state.window) ==
            windows.end())
      windows.push_back(state.window);
  return windows;
}

/// The first token that must be there for the one at `length` to see its
/// window, itself included; 0: all of them.
static uint32_t neededFrom(uint32_t window, uint32_t length) {
  return window && length >= window ? length - window + 1 : 0;
}

/// Bounds the tables of page numbers, and a plan's wish for windows: 256 M
/// tokens in pages of 16.
static constexpr uint64_t kMaxPages = uint64_t(1) << 24;

Result<KvCache> KvCache::create(std::span<const PlanState> states,
                                const CacheRequest &request,
                                const std::shared_ptr<StateMemory> &memory) {
  assert(request.pageTokens > 0 && "a checked plan has tokens in a page");
  if (request.contextLength == 0 || request.sequences == 0)
    return Status(Code::InvalidArgument,
                  fmt::format("context of {} tokens for {} sequences, expected "
                              "at least 1 of each",
                              request.contextLength, request.sequences));
  KvCache cache;
  cache.pageTokens_ = request.pageTokens;
  cache.contextLength_ = request.contextLength;
  cache.places_.resize(states.size());
  std::string what = fmt::format("context of {} tokens for {} sequences",
                                 request.contextLength, request.sequences);
  uint64_t pages = 0;
  for (uint32_t window : windowsOf(states)) {
    PageShape shape;
    shape.pageTokens = request.pageTokens;
    shape.sequences = request.sequences;
    shape.blocks = window
                       ? ringBlocks(window, request.largestStep,
                                    request.pageTokens, request.contextLength)
                       : blockCount(request.contextLength, request.pageTokens);
    pages += uint64_t(shape.blocks) * shape.sequences;
    if (pages > kMaxPages)
      return Status(Code::InvalidArgument,
                    fmt::format("{} needs {} pages, expected up to {}", what,
                                pages, kMaxPages));
    for (size_t i = 0; i < states.size(); ++i)
      if (states[i].kind == StateKind::KvCache && states[i].window == window) {
        cache.places_[i] = {cache.groups_.size(), shape.stateBytes.size()};
        shape.stateBytes.push_back(states[i].pageBytes);
      }
    Result<PageGroup> group = PageGroup::create(std::move(shape), what, memory);
    if (!group.ok())
      return group.status();
    cache.groups_.push_back({window, std::move(*group)});
  }
  for (const Place &place : cache.places_) {
    const PageGroup &pages = cache.groups_[place.group].pages;
    std::byte *pool =
        place.index == SIZE_MAX ? nullptr : pages.pool(place.index);
    cache.rings_.push_back({pool, pages.table(), pages.blocks()});
  }
  cache.used_.assign(request.sequences, 0);
  return cache;
}

std::byte *KvCache::pool(size_t state) const {
  const Place &place = places_[state];
  return groups_[place.group].pages.pool(place.index);
}

void *KvCache::operand(size_t state) const {
  if (!hasWindow(state))
    return pool(state);
  return const_cast<CacheRing *>(&rings_[state]);
}

uint64_t KvCache::readBytes(uint32_t position) const {
  uint64_t bytes = 0;
  for (const Group &group : groups_) {
    uint64_t tokens = uint64_t(position) + 1;
    if (group.window)
      tokens = std::min<uint64_t>(tokens, group.window);
    bytes += group.pages.pageBytes() / pageTokens_ * tokens;
  }
  return bytes;
}

uint64_t KvCache::usedBytes() const {
  uint64_t bytes = 0;
  for (const Group &group : groups_)
    bytes += group.pages.pageBytes() * group.pages.usedPages();
  return bytes;
}

uint64_t KvCache::reservedBytes() const {
  uint64_t bytes = 0;
  for (const Group &group : groups_)
    bytes += group.pages.pageBytes() * group.pages.pages();
  return bytes;
}

Status KvCache::append(uint32_t slot, uint32_t count) {
  uint32_t held = used_[slot];
  if (count > contextLength_ - held)
    return Status(Code::OutOfRange,
                  fmt::format("sequence of {} tokens plus {} exceeds the "
                              "context of {}",
                              held, count, contextLength_));
  for (Group &group : groups_)
    group.pages.append(slot, held, count);
  used_[slot] = held + count;
  return {};
}

Status KvCache::truncate(uint32_t slot, uint32_t length) {
  assert(length <= used_[slot] && "only tokens that are held can be dropped");
  for (const Group &group : groups_) {
    uint32_t oldest = group.pages.oldest(slot);
    if (length == 0 || length == used_[slot] ||
        oldest <= neededFrom(group.window, length))
      continue;
    return Status(
        Code::OutOfRange,
        fmt::format("sequence {} of {} tokens cannot be cut back to {}: layers "
                    "with a window of {} hold tokens from {} on; expected at "
                    "least {}, or 0",
                    slot, used_[slot], length, group.window, oldest,
                    oldest + group.window - 1));
  }
  for (Group &group : groups_)
    group.pages.truncate(slot, used_[slot], length);
  used_[slot] = length;
  return {};
}

Status KvCache::fork(uint32_t from, uint32_t to) {
  if (used_[to] != 0)
    return Status(Code::InvalidArgument,
                  fmt::format("sequence {} holds {} tokens; only an empty one "
                              "can take over another's",
                              to, used_[to]));
  for (Group &group : groups_)
    group.pages.fork(from, to, used_[from]);
  used_[to] = used_[from];
  return {};
}

uint64_t KvCache::heldBytes(uint32_t slot) const {
  uint64_t bytes = 0;
  for (const Group &group : groups_)
    bytes += group.pages.heldBytes(slot, used_[slot]);
  return bytes;
}

void KvCache::save(uint32_t slot, std::byte *into) const {
  for (const Group &group : groups_)
    into = group.pages.save(slot, used_[slot], into);
}

Status KvCache::restore(uint32_t slot, uint32_t length,
                        std::span<const std::byte> saved) {
  if (length > contextLength_)
    return Status(Code::OutOfRange,
                  fmt::format("sequence of {} tokens exceeds the context of {}",
                              length, contextLength_));
  std::span<const std::byte> rest = saved;
  for (const Group &group : groups_)
    if (!group.pages.skip(length, neededFrom(group.window, length), rest))
      return Status(Code::CorruptData,
                    fmt::format("{} bytes of cache are not those of {} tokens",
                                saved.size(), length));
  if (!rest.empty())
    return Status(Code::CorruptData,
                  fmt::format("{} bytes of cache, {} more than those of {} "
                              "tokens",
                              saved.size(), rest.size(), length));
  SINTER_TRY(truncate(slot, 0));
  const std::byte *from = saved.data();
  for (Group &group : groups_)
    from = group.pages.load(slot, length, from);
  used_[slot] = length;
  return {};
}

} // namespace sinter
