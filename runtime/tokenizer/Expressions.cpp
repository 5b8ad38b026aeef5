// Matches the expressions that whole families of tokenizers share. Greedy
// repetition with backtracking is spelled out: each function says which end
// the regular expression would choose.
#include "runtime/tokenizer/Expressions.h"

#include <algorithm>

namespace sinter::expressions {
namespace {

constexpr CategorySet kWord = kSpace | kLetter | kNumber;
constexpr CategorySet kUpperLike = bit(Category::Lu) | bit(Category::Lt) |
                                   bit(Category::Lm) | bit(Category::Lo) |
                                   kMark;
constexpr CategorySet kLowerLike =
    bit(Category::Ll) | bit(Category::Lm) | bit(Category::Lo) | kMark;

bool isNewline(uint32_t point) { return point == '\r' || point == '\n'; }

/// Case folding as far as the contractions need it: U+017F folds to s.
uint32_t fold(uint32_t point) {
  if (point == 0x17F)
    return 's';
  return point >= 'A' && point <= 'Z' ? point + 32 : point;
}

/// 's|'t|'re|'ve|'m|'ll|'d
size_t contraction(const Window &w, size_t at, bool ignoreCase) {
  if (w.point(at) != '\'')
    return at;
  uint32_t a = w.point(at + 1), b = w.point(at + 2);
  if (ignoreCase) {
    a = fold(a);
    b = fold(b);
  }
  if (a == 's' || a == 't' || a == 'm' || a == 'd')
    return at + 2;
  bool two = ((a == 'r' || a == 'v') && b == 'e') || (a == 'l' && b == 'l');
  return two ? at + 3 : at;
}

/// \s+(?!\S)|\s+ : all but the last space, which goes with the next word,
/// unless the text ends here or there is only one.
size_t spaces(const Window &w, size_t at) {
  size_t last = w.skip(at, kSpace);
  return last == w.end || last <= at + 1 ? last : last - 1;
}

/// \s*[\r\n]+ : up to the last line end in the run of spaces.
size_t lines(const Window &w, size_t at) {
  size_t last = w.skip(at, kSpace);
  while (last > at && !isNewline(w.text.point[last - 1]))
    --last;
  return last;
}

size_t skipNewlines(const Window &w, size_t at, bool slash) {
  while (isNewline(w.point(at)) || (slash && w.point(at) == '/'))
    ++at;
  return at;
}

size_t upToThree(const Window &w, size_t at) {
  size_t last = at;
  while (last < at + 3 && w.in(last, kNumber))
    ++last;
  return last;
}

/// [^\r\n + except]?letters+
size_t prefixedLetters(const Window &w, size_t at, CategorySet except,
                       CategorySet letters) {
  if (w.notIn(at, except) && !isNewline(w.point(at)) && w.in(at + 1, letters))
    return w.skip(at + 1, letters);
  return w.skip(at, letters);
}

/// ` ?[^except]+[\r\n]*`, with `/` among the line ends if `slash`.
size_t rest(const Window &w, size_t at, CategorySet except, bool slash) {
  size_t first = at + (w.point(at) == ' ');
  size_t last = w.skipNot(first, except);
  return last == first ? at : skipNewlines(w, last, slash);
}

/// \s*[\r\n]+|\s+(?!\S)|\s+
size_t blank(const Window &w, size_t at) {
  size_t last = lines(w, at);
  return last != at ? last : spaces(w, at);
}

size_t modern(const Window &w, size_t at, CategorySet letters, bool groups) {
  if (size_t last = contraction(w, at, true); last != at)
    return last;
  if (size_t last = prefixedLetters(w, at, kLetter | kNumber, letters);
      last != at)
    return last;
  if (w.in(at, kNumber))
    return groups ? upToThree(w, at) : at + 1;
  if (size_t last = rest(w, at, kWord | letters, false); last != at)
    return last;
  return blank(w, at);
}

/// U*D+ : the run of U, given back to its last point that is also in D when no
/// lower-case letter follows.
size_t upperThenLower(const Window &w, size_t at) {
  size_t upper = w.skip(at, kUpperLike);
  if (w.in(upper, kLowerLike))
    return w.skip(upper, kLowerLike);
  while (upper > at && !w.in(upper - 1, kLowerLike))
    --upper;
  return upper;
}

/// U+D*
size_t upperMaybeLower(const Window &w, size_t at) {
  size_t upper = w.skip(at, kUpperLike);
  return upper == at ? at : w.skip(upper, kLowerLike);
}

/// [^\r\n\p{L}\p{N}]?U*D+|[^\r\n\p{L}\p{N}]?U+D*
size_t casedWord(const Window &w, size_t at) {
  bool prefix = w.notIn(at, kLetter | kNumber) && !isNewline(w.point(at));
  for (auto word : {upperThenLower, upperMaybeLower}) {
    if (prefix)
      if (size_t last = word(w, at + 1); last != at + 1)
        return last;
    if (size_t last = word(w, at); last != at)
      return last;
  }
  return at;
}

size_t cased(const Window &w, size_t at, bool contractions, bool groups) {
  if (size_t last = casedWord(w, at); last != at)
    return contractions ? contraction(w, last, true) : last;
  if (w.in(at, kNumber))
    return groups ? upToThree(w, at) : at + 1;
  if (size_t last = rest(w, at, kWord, true); last != at)
    return last;
  return blank(w, at);
}

size_t punctuationOr(const Window &w, size_t at, std::string_view others) {
  while (w.in(at, kPunctuation) ||
         (w.point(at) < 128 &&
          others.find(static_cast<char>(w.point(at))) != others.npos))
    ++at;
  return at;
}

/// \s?set+
size_t spaceThen(const Window &w, size_t at, CategorySet set) {
  size_t first = at + w.in(at, kSpace);
  size_t last = w.skip(first, set);
  return last == first ? at : last;
}

} // namespace

size_t gpt2(const Window &w, size_t at) {
  if (size_t last = contraction(w, at, false); last != at)
    return last;
  size_t first = at + (w.point(at) == ' ');
  if (w.in(first, kLetter))
    return w.skip(first, kLetter);
  if (w.in(first, kNumber))
    return w.skip(first, kNumber);
  if (w.notIn(first, kWord))
    return w.skipNot(first, kWord);
  return spaces(w, at);
}

size_t llama3(const Window &w, size_t at) {
  return modern(w, at, kLetter, true);
}

size_t qwen2(const Window &w, size_t at) {
  return modern(w, at, kLetter, false);
}

size_t qwen35(const Window &w, size_t at) {
  return modern(w, at, kLetter | kMark, false);
}

size_t tekken(const Window &w, size_t at) { return cased(w, at, false, false); }

size_t gpt4o(const Window &w, size_t at) { return cased(w, at, true, true); }

size_t deepseekV3(const Window &w, size_t at) {
  auto isLatin = [&](size_t i) { return w.point(i) < 128 && w.in(i, kLetter); };
  if (w.point(at) < 128 && w.in(at, kPunctuation | kSymbol) &&
      isLatin(at + 1)) {
    size_t last = at + 1;
    while (isLatin(last))
      ++last;
    return last;
  }
  if (size_t last = prefixedLetters(w, at, kLetter | kPunctuation | kSymbol,
                                    kLetter | kMark);
      last != at)
    return last;
  size_t first = at + (w.point(at) == ' ');
  size_t last = w.skip(first, kPunctuation | kSymbol);
  return last != first ? skipNewlines(w, last, false) : blank(w, at);
}

size_t newline(const Window &w, size_t at) {
  return at + isNewline(w.point(at));
}

size_t trailingSpaces(const Window &w, size_t at) {
  // A run that failed at its first space fails at all the others, which need
  // not be tried: that keeps a long run from taking quadratic time.
  if (at > w.begin && w.in(at - 1, kSpace))
    return at;
  size_t last = w.skip(at, kSpace);
  return last == w.end ? last : at;
}

size_t spaceLetters(const Window &w, size_t at) {
  return spaceThen(w, at, kLetter);
}

size_t spacePunctuation(const Window &w, size_t at) {
  return spaceThen(w, at, kPunctuation);
}

size_t number(const Window &w, size_t at) { return at + w.in(at, kNumber); }

size_t numbers(const Window &w, size_t at) { return w.skip(at, kNumber); }

size_t threeNumbers(const Window &w, size_t at) { return upToThree(w, at); }

size_t threeDigits(const Window &w, size_t at) {
  for (size_t i = at; i < at + 3; ++i)
    if (w.point(i) < '0' || w.point(i) > '9')
      return at;
  return at + 3;
}

size_t punctuation(const Window &w, size_t at) {
  return punctuationOr(w, at, "$+<=>^~|");
}

size_t punctuationAndBacktick(const Window &w, size_t at) {
  return punctuationOr(w, at, "$+<=>^~|`");
}

} // namespace sinter::expressions
