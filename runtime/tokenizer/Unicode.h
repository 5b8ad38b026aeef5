/// What the tokenizers know of Unicode: UTF-8, general categories, lower case
/// and base letters, from generated tables, so that runtime/ needs no library.
#ifndef SINTER_RUNTIME_TOKENIZER_UNICODE_H
#define SINTER_RUNTIME_TOKENIZER_UNICODE_H

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// General categories in the order of tools/make_unicode_tables.py.
// clang-format off
enum class Category : uint8_t {
  Cn, Lu, Ll, Lt, Lm, Lo, Mn, Mc, Me, Nd, Nl, No, Pc, Pd, Ps,
  Pe, Pi, Pf, Po, Sm, Sc, Sk, So, Zs, Zl, Zp, Cc, Cf, Cs, Co,
};
// clang-format on

/// A set of categories, plus \s, as regular expressions name them. One code
/// point has one category bit and perhaps `kSpace`.
using CategorySet = uint32_t;

constexpr CategorySet bit(Category category) {
  return CategorySet(1) << static_cast<unsigned>(category);
}
inline constexpr CategorySet kSpace = CategorySet(1) << 31; ///< White_Space
inline constexpr CategorySet kMark =
    bit(Category::Mn) | bit(Category::Mc) | bit(Category::Me); ///< \p{M}
inline constexpr CategorySet kLetter = bit(Category::Lu) | bit(Category::Ll) |
                                       bit(Category::Lt) | bit(Category::Lm) |
                                       bit(Category::Lo); ///< \p{L}
inline constexpr CategorySet kNumber =
    bit(Category::Nd) | bit(Category::Nl) | bit(Category::No); ///< \p{N}
inline constexpr CategorySet kPunctuation =
    bit(Category::Pc) | bit(Category::Pd) | bit(Category::Ps) |
    bit(Category::Pe) | bit(Category::Pi) | bit(Category::Pf) |
    bit(Category::Po); ///< \p{P}
inline constexpr CategorySet kSymbol = bit(Category::Sm) | bit(Category::Sc) |
                                       bit(Category::Sk) |
                                       bit(Category::So); ///< \p{S}
inline constexpr CategorySet kOther = bit(Category::Cc) | bit(Category::Cf) |
                                      bit(Category::Cs) | bit(Category::Co);

/// Stands for a byte that belongs to no valid UTF-8 sequence; above every
/// code point, unassigned, so it matches only negated classes.
inline constexpr uint32_t kInvalidPoint = 0x110000;

/// The category bit of `point`, and `kSpace` where \s matches it.
CategorySet categoryOf(uint32_t point);

/// Length of the valid UTF-8 sequence at the start of `text`, 0 if there is
/// none. Overlong forms, surrogates and points above U+10FFFF are invalid.
size_t validSequence(std::string_view text);

/// Length of the longest beginning of `text` that further bytes could make a
/// valid sequence: 0 to 3. Only for text that begins with no valid sequence.
size_t partialSequence(std::string_view text);

/// The point at the start of non-empty `text`; `length` becomes its bytes. An
/// invalid byte is kInvalidPoint with length 1.
uint32_t decodePoint(std::string_view text, size_t &length);

/// Appends `point` (a valid one) in UTF-8.
void appendPoint(uint32_t point, std::string &out);

/// Simple lower case; `point` itself where it has none.
uint32_t toLower(uint32_t point);

/// The canonical decomposition of one point without its nonspacing marks:
/// up to three points, zeros after the last.
std::array<uint32_t, 3> baseLetters(uint32_t point);

/// Text as the pre-tokenizers read it: one entry per code point. Invalid bytes
/// keep their place, so joining the pieces gives back the text byte for byte.
struct CodePoints {
  explicit CodePoints(std::string_view text);
  size_t size() const { return point.size(); }

  std::vector<uint32_t> point;
  std::vector<CategorySet> kind;
  std::vector<size_t> offset; ///< of each point in bytes, then the text's size
};

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_UNICODE_H
