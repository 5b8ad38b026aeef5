// Walks the trie of a character map that may come from a stranger: every index
// is checked when it is used, since units that nothing leads to may hold
// anything.
#include "runtime/tokenizer/CharacterMap.h"

#include <cstring>
#include <fmt/format.h>

namespace sinter {
namespace {

constexpr uint32_t kLabel = 1U << 31 | 0xFF;

bool hasValue(uint32_t unit) { return (unit >> 8 & 1) != 0; }

/// Of a unit's children, from the unit itself.
uint32_t offsetOf(uint32_t unit) {
  return unit >> 10 << ((unit & 1U << 9) >> 6);
}

Status corrupt(std::string message) {
  return Status(Code::CorruptData,
                "tokenizer.ggml.precompiled_charsmap: " + std::move(message));
}

} // namespace

Result<CharacterMap> CharacterMap::create(std::string_view bytes) {
  CharacterMap map;
  if (bytes.empty())
    return map;
  uint32_t size = 0;
  if (bytes.size() < sizeof size)
    return corrupt(fmt::format("{} bytes hold no size", bytes.size()));
  std::memcpy(&size, bytes.data(), sizeof size);
  bytes.remove_prefix(sizeof size);
  if (size > bytes.size() || size % sizeof(uint32_t) != 0)
    return corrupt(fmt::format("the trie has {} bytes, expected a multiple of "
                               "4 and at most {}",
                               size, bytes.size()));
  map.trie = bytes.substr(0, size);
  map.replacements = bytes.substr(size);
  if (!map.replacements.empty() && map.replacements.back() != '\0')
    return corrupt("the last replacement has no end");
  return map;
}

bool CharacterMap::unit(size_t index, uint32_t &value) const {
  if (index >= trie.size() / sizeof value)
    return false;
  std::memcpy(&value, trie.data() + index * sizeof value, sizeof value);
  return true;
}

Status CharacterMap::find(std::string_view text, Replacement &found) const {
  found = {};
  uint32_t node = 0;
  if (!unit(0, node))
    return Status();
  size_t at = offsetOf(node);
  for (size_t i = 0; i < text.size() && text[i] != '\0'; ++i) {
    auto byte = static_cast<unsigned char>(text[i]);
    at ^= byte;
    if (!unit(at, node))
      return corrupt(fmt::format("an edge leads to unit {} of {}", at,
                                 trie.size() / sizeof node));
    if ((node & kLabel) != byte)
      break;
    at ^= offsetOf(node);
    if (!hasValue(node))
      continue;
    uint32_t value = 0;
    if (!unit(at, value))
      return corrupt(fmt::format("a value is in unit {} of {}", at,
                                 trie.size() / sizeof node));
    value &= ~(1U << 31);
    if (value >= replacements.size())
      return corrupt(fmt::format("a replacement begins at {} of {} bytes",
                                 value, replacements.size()));
    // create() has seen that the last one ends, so each does.
    found = {i + 1, replacements.data() + value};
  }
  return Status();
}

} // namespace sinter
