/// Vocabularies small enough to check token ids by hand.
#ifndef SINTER_TEST_UNIT_SMALLVOCABULARY_H
#define SINTER_TEST_UNIT_SMALLVOCABULARY_H

#include "runtime/Vocabulary.h"
#include "runtime/tokenizer/Unicode.h"

#include <cstdint>
#include <fmt/format.h>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sinter {

/// GPT-2's printable spelling of bytes, by its published rule.
inline std::string spellBytes(std::string_view bytes) {
  std::string out;
  for (char c : bytes) {
    uint32_t point = static_cast<unsigned char>(c);
    if (point <= 0x20)
      point += 0x100;
    else if (point >= 0x7F && point <= 0xA0)
      point += 0x121 - 0x7F;
    else if (point == 0xAD)
      point = 0x143;
    appendPoint(point, out);
  }
  return out;
}

inline int32_t addToken(Vocabulary &vocabulary, std::string_view text,
                        TokenType type = TokenType::Normal, float score = 0) {
  vocabulary.tokens.push_back(text);
  vocabulary.tokenTypes.push_back(type);
  if (vocabulary.model == "llama" || vocabulary.model == "t5")
    vocabulary.scores.push_back(score);
  return static_cast<int32_t>(vocabulary.tokens.size()) - 1;
}

/// Ids 0 to 255 are the bytes; then one token for each merge, in order.
inline Vocabulary byteLevelVocabulary(
    std::initializer_list<std::pair<std::string_view, std::string_view>> merges,
    std::string_view pre = "gpt-2") {
  Vocabulary vocabulary = Vocabulary::withDefaults("gpt2", pre);
  vocabulary.addBos = false;
  for (int byte = 0; byte < 256; ++byte)
    addToken(vocabulary, spellBytes(std::string(1, static_cast<char>(byte))));
  for (auto [left, right] : merges) {
    vocabulary.merges.push_back(spellBytes(left) + " " + spellBytes(right));
    addToken(vocabulary, spellBytes(std::string(left) + std::string(right)));
  }
  return vocabulary;
}

/// 0 <unk>, 1 <s>, 2 </s>, 3 to 258 the bytes; then `pieces`, best first.
inline Vocabulary
sentencePieceVocabulary(std::initializer_list<std::string_view> pieces) {
  Vocabulary vocabulary = Vocabulary::withDefaults("llama", "default");
  addToken(vocabulary, "<unk>", TokenType::Unknown);
  addToken(vocabulary, "<s>", TokenType::Control);
  addToken(vocabulary, "</s>", TokenType::Control);
  for (int byte = 0; byte < 256; ++byte)
    addToken(vocabulary, fmt::format("<0x{:02X}>", byte), TokenType::Byte);
  float score = 0;
  for (std::string_view piece : pieces)
    addToken(vocabulary, piece, TokenType::Normal, score -= 1);
  return vocabulary;
}

/// 0 <pad>, 1 </s>, 2 <unk>; then `pieces` with their scores.
inline Vocabulary unigramVocabulary(
    std::initializer_list<std::pair<std::string_view, float>> pieces) {
  Vocabulary vocabulary = Vocabulary::withDefaults("t5", "");
  addToken(vocabulary, "<pad>", TokenType::Control);
  addToken(vocabulary, "</s>", TokenType::Control);
  addToken(vocabulary, "<unk>", TokenType::Unknown);
  for (auto [piece, score] : pieces)
    addToken(vocabulary, piece, TokenType::Normal, score);
  return vocabulary;
}

/// The bytes of a CharacterMap of the trie units, then the replacements.
inline std::string charactersMap(const std::vector<uint32_t> &units,
                                 std::string_view replacements) {
  std::string bytes;
  auto append = [&](uint32_t value) {
    bytes.append(reinterpret_cast<const char *>(&value), sizeof value);
  };
  append(static_cast<uint32_t>(units.size() * sizeof(uint32_t)));
  for (uint32_t unit : units)
    append(unit);
  return bytes.append(replacements);
}

/// \1 becomes "ab", \1\2 a space. Units: the root, whose children are from 2
/// on; unit 3 = 2 ^ 1 (\1, a value at 3 ^ 4 = 7, children there, too); 5 = 7 ^
/// 2 (\1\2, a value at 5 ^ 1 = 4).
inline std::string smallCharactersMap() {
  constexpr uint32_t value = 1U << 31, hasValue = 1U << 8;
  std::vector<uint32_t> units(256); // every byte leads to one
  units[0] = 2U << 10;
  units[3] = 4U << 10 | hasValue | 1;
  units[4] = value | 3;
  units[5] = 1U << 10 | hasValue | 2;
  units[7] = value;
  return charactersMap(units, std::string_view("ab\0 \0", 5));
}

/// 0 [PAD], 1 [UNK], 2 [CLS], 3 [SEP]; then `pieces`.
inline Vocabulary
wordPieceVocabulary(std::initializer_list<std::string_view> pieces) {
  Vocabulary vocabulary = Vocabulary::withDefaults("bert", "");
  for (std::string_view text : {"[PAD]", "[UNK]", "[CLS]", "[SEP]"})
    addToken(vocabulary, text, TokenType::Control);
  vocabulary.pad = 0;
  vocabulary.unk = 1;
  vocabulary.bos = vocabulary.cls = 2;
  vocabulary.sep = 3;
  vocabulary.mask = -1;
  for (std::string_view piece : pieces)
    addToken(vocabulary, piece);
  return vocabulary;
}

} // namespace sinter

#endif // SINTER_TEST_UNIT_SMALLVOCABULARY_H
