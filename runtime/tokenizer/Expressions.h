/// The regular expressions of published pre-tokenizers as functions over code
/// points, because no library in reach has look-ahead and Unicode classes.
#ifndef SINTER_RUNTIME_TOKENIZER_EXPRESSIONS_H
#define SINTER_RUNTIME_TOKENIZER_EXPRESSIONS_H

#include "runtime/tokenizer/Unicode.h"

#include <cstddef>
#include <cstdint>

namespace sinter {

/// The piece of text [begin, end) that an expression may look at.
struct Window {
  const CodePoints &text;
  size_t begin;
  size_t end;

  /// The code point at `at`; past the end one that no class holds.
  uint32_t point(size_t at) const {
    return at < end ? text.point[at] : UINT32_MAX;
  }
  bool in(size_t at, CategorySet set) const {
    return at < end && (text.kind[at] & set) != 0;
  }
  bool notIn(size_t at, CategorySet set) const {
    return at < end && (text.kind[at] & set) == 0;
  }
  size_t skip(size_t at, CategorySet set) const {
    while (in(at, set))
      ++at;
    return at;
  }
  size_t skipNot(size_t at, CategorySet set) const {
    while (notIn(at, set))
      ++at;
    return at;
  }
};

/// Where the match that starts at `at` ends; `at` itself if none starts there.
using Expression = size_t (*)(const Window &window, size_t at);

namespace expressions {

/// 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
size_t gpt2(const Window &window, size_t at);

/// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|
///  ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t llama3(const Window &window, size_t at);

/// As llama3 with \p{N} instead of \p{N}{1,3}.
size_t qwen2(const Window &window, size_t at);

/// As qwen2 with [\p{L}\p{M}]+ for the letters and without \p{M} in the rest.
size_t qwen35(const Window &window, size_t at);

/// With U = [\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}], D = [\p{Ll}\p{Lm}\p{Lo}\p{M}]:
/// [^\r\n\p{L}\p{N}]?U*D+|[^\r\n\p{L}\p{N}]?U+D*|\p{N}|
///  ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t tekken(const Window &window, size_t at);

/// As tekken with (?i:'s|'t|'re|'ve|'m|'ll|'d)? after the letters and
/// \p{N}{1,3}.
size_t gpt4o(const Window &window, size_t at);

/// [!-/:-@\[-`{-~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+|
///  ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
size_t deepseekV3(const Window &window, size_t at);

/// \s?[A-Za-zµ...]+ with the cased letters that DeepSeek lists.
size_t deepseekLetters(const Window &window, size_t at);

/// \s?[!-/:-~！-／：-～‘-‟　-。]+
size_t deepseekPunctuation(const Window &window, size_t at);

/// [一-龥ࠀ-一가-퟿]+
size_t deepseekIdeographs(const Window &window, size_t at);

/// [一-龥぀-ゟ゠-ヿ]+
size_t ideographsAndKana(const Window &window, size_t at);

size_t newline(const Window &window, size_t at);          ///< [\r\n]
size_t trailingSpaces(const Window &window, size_t at);   ///< \s+$
size_t spaceLetters(const Window &window, size_t at);     ///< \s?\p{L}+
size_t spacePunctuation(const Window &window, size_t at); ///< \s?\p{P}+
size_t number(const Window &window, size_t at);           ///< \p{N}
size_t numbers(const Window &window, size_t at);          ///< \p{N}+
size_t threeNumbers(const Window &window, size_t at);     ///< \p{N}{1,3}
size_t threeDigits(const Window &window, size_t at);      ///< [0-9][0-9][0-9]

/// [\p{P}\$\+<=>\^~\|]+
size_t punctuation(const Window &window, size_t at);

/// [\p{P}\$\+<=>\^~\|`]+
size_t punctuationAndBacktick(const Window &window, size_t at);

} // namespace expressions
} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_EXPRESSIONS_H
