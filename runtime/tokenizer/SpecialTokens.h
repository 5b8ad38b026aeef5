/// Tokens that stand for more than their letters: found in text before it is
/// tokenized, and recognised as ends of a text.
#ifndef SINTER_RUNTIME_TOKENIZER_SPECIALTOKENS_H
#define SINTER_RUNTIME_TOKENIZER_SPECIALTOKENS_H

#include "runtime/Status.h"
#include "runtime/Vocabulary.h"
#include "runtime/tokenizer/TokenIndex.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace sinter {

/// Adds to `vocabulary` what GGUF files leave to their readers: the end-of-turn
/// token and all tokens that end a text are known by their spelling, and are
/// control tokens whatever the file says. `eog` becomes sorted and complete.
void completeSpecialTokens(Vocabulary &vocabulary, const TokenIndex &index);

/// Whether tokens of this type are left out of plain text.
constexpr bool isHidden(TokenType type) {
  return type == TokenType::Control || type == TokenType::Unknown;
}

class SpecialTokens {
public:
  struct Match {
    size_t begin;
    size_t bytes;
    int32_t id; ///< -1: no match
  };

  /// Fails with Unsupported where a special token is longer than
  /// kMaxSpecialBytes, which bounds the time of a search.
  static Result<SpecialTokens> create(const Vocabulary &vocabulary,
                                      const TokenIndex &index);

  /// The leftmost, then longest special token in `text` from `from` on: the
  /// user-defined ones, and with `parseSpecial` also control and unknown ones.
  Match findNext(std::string_view text, size_t from, bool parseSpecial) const;

  static constexpr size_t kMaxSpecialBytes = 512;

private:
  struct Entry {
    std::string_view text;
    int32_t id;
    bool hidden;
  };

  Match matchAt(std::string_view text, size_t at, bool parseSpecial) const;

  std::vector<Entry> entries; ///< sorted by text
  std::array<bool, 256> firstBytes{};
};

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_SPECIALTOKENS_H
