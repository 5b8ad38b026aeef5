// Open addressing with a 32-bit tag per slot, so that most probes end without
// touching the texts.
#include "runtime/tokenizer/TokenIndex.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace sinter {
namespace {

constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15; // 2^64 / golden ratio

uint64_t mix(uint64_t hash, uint64_t word) {
  hash = (hash ^ word) * kMultiplier;
  return hash ^ hash >> 32;
}

} // namespace

uint64_t hashText(std::string_view text) {
  uint64_t hash = text.size() * kMultiplier, word = 0;
  for (; text.size() > 8; text.remove_prefix(8)) {
    std::memcpy(&word, text.data(), 8);
    hash = mix(hash, word);
  }
  word = 0;
  if (!text.empty())
    std::memcpy(&word, text.data(), text.size());
  return mix(mix(hash, word), 0);
}

size_t tableCapacity(size_t count) {
  size_t capacity = 16;
  while (capacity * 2 < count * 3)
    capacity *= 2;
  return capacity;
}

Result<TokenIndex> TokenIndex::create(const StringTable &tokens) {
  TokenIndex index;
  index.tokens = &tokens;
  index.slots.assign(tableCapacity(tokens.size()), {0, -1});
  size_t mask = index.slots.size() - 1;
  for (size_t id = 0; id < tokens.size(); ++id) {
    std::string_view text = tokens[id];
    if (text.empty())
      continue;
    index.longestBytes = std::max(index.longestBytes, text.size());
    uint64_t hash = hashText(text);
    auto tag = static_cast<uint32_t>(hash >> 32);
    size_t at = hash & mask, probes = 0;
    while (index.slots[at].id >= 0 &&
           (index.slots[at].tag != tag || tokens[index.slots[at].id] != text)) {
      at = (at + 1) & mask;
      if (++probes == kMaxProbes)
        return Status(
            Code::CorruptData,
            fmt::format("token {} collides with {} others", id, kMaxProbes));
    }
    if (index.slots[at].id < 0)
      index.slots[at] = {tag, static_cast<int32_t>(id)};
  }
  return index;
}

int32_t TokenIndex::find(std::string_view text) const {
  if (text.empty() || text.size() > longestBytes)
    return -1;
  uint64_t hash = hashText(text);
  auto tag = static_cast<uint32_t>(hash >> 32);
  size_t mask = slots.size() - 1;
  for (size_t at = hash & mask; slots[at].id >= 0; at = (at + 1) & mask)
    if (slots[at].tag == tag && (*tokens)[slots[at].id] == text)
      return slots[at].id;
  return -1;
}

} // namespace sinter
