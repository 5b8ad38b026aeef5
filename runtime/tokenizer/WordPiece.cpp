// BERT's tokenizer, the "bert" model: text is cleaned, split at spaces,
// punctuation and ideographs, and each word is cut greedily into the longest
// tokens (Wu et al. 2016; Devlin et al. 2018). In GGUF the first token of a
// word begins with U+2581 and the others have lost their ##.
#include "runtime/tokenizer/Blank.h"
#include "runtime/tokenizer/TextEncoder.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>
#include <array>

namespace sinter {
namespace {

/// Longer words are unknown (max_input_chars_per_word of the original), which
/// also bounds the time that one word can take.
constexpr size_t kMaxWordPoints = 100;

/// The blocks that BERT surrounds with spaces, as its published code lists
/// them.
bool isIdeograph(uint32_t point) {
  return (point >= 0x4E00 && point <= 0x9FFF) ||
         (point >= 0x3400 && point <= 0x4DBF) ||
         (point >= 0x20000 && point <= 0x2A6DF) ||
         (point >= 0x2A700 && point <= 0x2B73F) ||
         (point >= 0x2B740 && point <= 0x2B81F) ||
         (point >= 0x2B920 && point <= 0x2CEAF) ||
         (point >= 0xF900 && point <= 0xFAFF) ||
         (point >= 0x2F800 && point <= 0x2FA1F);
}

bool isPunctuation(uint32_t point) {
  CategorySet kind = categoryOf(point);
  return (kind & kPunctuation) != 0 || (point < 128 && (kind & kSymbol) != 0);
}

class WordPiece final : public TextEncoder {
public:
  WordPiece(const Vocabulary &vocabulary, const TokenIndex &index)
      : vocabulary(vocabulary), index(index) {}

  Status encode(std::string_view text, bool,
                std::vector<int32_t> &ids) const override {
    Word word{std::string(kBlank), 0};
    while (!text.empty()) {
      size_t length = 0;
      uint32_t point = decodePoint(text, length);
      text.remove_prefix(length);
      SINTER_TRY(take(point, word, ids));
    }
    return finish(word, ids);
  }

  void appendText(std::string_view token, std::string &out) const override {
    if (token.starts_with(kBlank)) {
      out += ' ';
      token.remove_prefix(kBlank.size());
    }
    out += token;
  }

private:
  struct Word {
    std::string text; ///< begins with U+2581
    size_t points;
  };

  Status take(uint32_t point, Word &word, std::vector<int32_t> &ids) const {
    CategorySet kind = categoryOf(point);
    if (kind & kSpace)
      return finish(word, ids);
    if (point == 0 || point == 0xFFFD || point == kInvalidPoint ||
        (kind & kOther))
      return Status();
    bool alone = isIdeograph(point);
    if (alone)
      SINTER_TRY(finish(word, ids));
    SINTER_TRY(append(point, word, ids));
    return alone ? finish(word, ids) : Status();
  }

  /// Appends the normalised form of `point`; punctuation is a word of its own.
  Status append(uint32_t point, Word &word, std::vector<int32_t> &ids) const {
    std::array<uint32_t, 3> letters = {point, 0, 0};
    if (vocabulary.stripAccents) {
      if (categoryOf(point) & bit(Category::Mn))
        return Status();
      letters = baseLetters(point);
    }
    for (uint32_t letter : letters) {
      if (letter == 0)
        break;
      if (vocabulary.lowercase)
        letter = toLower(letter);
      bool alone = isPunctuation(letter);
      if (alone)
        SINTER_TRY(finish(word, ids));
      appendPoint(letter, word.text);
      ++word.points;
      if (alone)
        SINTER_TRY(finish(word, ids));
    }
    return Status();
  }

  Status finish(Word &word, std::vector<int32_t> &ids) const {
    if (word.points == 0)
      return Status();
    size_t before = ids.size();
    if (word.points > kMaxWordPoints || !cut(word.text, ids)) {
      ids.resize(before);
      if (vocabulary.unk < 0)
        return Status(Code::InvalidArgument,
                      "the vocabulary has no tokens for '" +
                          word.text.substr(kBlank.size()) +
                          "' and no unknown token");
      ids.push_back(vocabulary.unk);
    }
    word.text.resize(kBlank.size());
    word.points = 0;
    return Status();
  }

  /// Cuts greedily; false where no token fits.
  bool cut(std::string_view text, std::vector<int32_t> &ids) const {
    while (!text.empty()) {
      size_t bytes = std::min(text.size(), index.longest());
      int32_t id = -1;
      for (; bytes > 0 && id < 0; --bytes) {
        id = index.find(text.substr(0, bytes));
        if (id >= 0 && vocabulary.type(id) == TokenType::Control)
          id = -1;
        if (id >= 0)
          break;
      }
      if (id < 0)
        return false;
      ids.push_back(id);
      text.remove_prefix(bytes);
    }
    return true;
  }

  const Vocabulary &vocabulary;
  const TokenIndex &index;
};

} // namespace

Result<std::unique_ptr<TextEncoder>> makeWordPiece(const Vocabulary &vocabulary,
                                                   const TokenIndex &index) {
  return std::unique_ptr<TextEncoder>(
      std::make_unique<WordPiece>(vocabulary, index));
}

} // namespace sinter
