/// SentencePiece's map of characters to their normal forms, as files bring it
/// along (`tokenizer.ggml.precompiled_charsmap`).
#ifndef SINTER_RUNTIME_TOKENIZER_CHARACTERMAP_H
#define SINTER_RUNTIME_TOKENIZER_CHARACTERMAP_H

#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace sinter {

/// Bytes: u32 size of a trie, the trie, then replacements that end in NUL. The
/// trie is a double array (Yata et al. 2007, darts-clone) of u32 units: bits 0
/// to 7 label of the edge that leads here (bit 31 is part of it, so that no
/// edge leads to a value), bit 8 whether a value follows, from bit 10 on the
/// offset of the children, times 256 if bit 9 is set. A value is the place of
/// a replacement.
class CharacterMap {
public:
  /// Replaces `consumed` bytes of a text by `text`.
  struct Replacement {
    size_t consumed = 0; ///< 0: the map has nothing for this place
    std::string_view text;
  };

  /// The map in `bytes`, which must outlive it; none: one that replaces
  /// nothing. Fails with CorruptData where sizes contradict each other.
  static Result<CharacterMap> create(std::string_view bytes);

  /// What the longest known beginning of `text` becomes. Fails with
  /// CorruptData where the trie points outside the map.
  Status find(std::string_view text, Replacement &found) const;

private:
  /// False if there is no such unit.
  bool unit(size_t index, uint32_t &value) const;

  std::string_view trie, replacements;
};

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_CHARACTERMAP_H
