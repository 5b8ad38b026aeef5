// Byte-pair encoding of characters, by a vocabulary made by hand.
#include "test/unit/Tokenizing.h"

#include <gtest/gtest.h>

namespace sinter {
namespace {

/// 0 <unk>, 1 <bos>, 2 to 257 the bytes; then the tokens below.
Vocabulary characterVocabulary() {
  Vocabulary vocabulary = Vocabulary::withDefaults("gemma4", "");
  addToken(vocabulary, "<unk>", TokenType::Unknown);
  vocabulary.bos = addToken(vocabulary, "<bos>", TokenType::Control);
  for (int byte = 0; byte < 256; ++byte)
    addToken(vocabulary, fmt::format("<0x{:02X}>", byte), TokenType::Byte);
  for (const char *text :
       {"▁", "a", "b", "é", "ab", "▁ab", "ab▁", "\n", "\n\n"})
    addToken(vocabulary, text);
  for (const char *merge : {"a b", "▁ ab", "ab ▁"})
    vocabulary.merges.push_back(merge);
  return vocabulary;
}

constexpr int32_t kSpace = 258, kA = 259, kB = 260, kAccent = 261, kAb = 262,
                  kSpaceAb = 263, kLine = 265, kLines = 266, kBytes = 2;

TEST(CharacterBpe, MergesByRank) {
  Tokenizer tokenizer = make(characterVocabulary());
  EXPECT_EQ(encode(tokenizer, "ab"), (Ids{kAb}));
  EXPECT_EQ(encode(tokenizer, " ab"), (Ids{kSpaceAb}));
  // Of the space between two words the better merge takes it.
  EXPECT_EQ(encode(tokenizer, "ab ab"), (Ids{kAb, kSpaceAb}));
  EXPECT_EQ(encode(tokenizer, "ab "), (Ids{264}));
  EXPECT_EQ(encode(tokenizer, "ba é"), (Ids{kB, kA, kSpace, kAccent}));
  EXPECT_EQ(encode(tokenizer, "a", true), (Ids{1, kA}));
  EXPECT_EQ(encode(tokenizer, ""), Ids());
  EXPECT_EQ(tokenizer.decode(Ids{1, kSpaceAb, kLine, kAb}), " ab\nab");
}

TEST(CharacterBpe, TakesLineEndsTogether) {
  Tokenizer tokenizer = make(characterVocabulary());
  EXPECT_EQ(encode(tokenizer, "a\n\nb\n"), (Ids{kA, kLines, kB, kLine}));
  // No token for three: one by one, as there is no merge of them either.
  EXPECT_EQ(encode(tokenizer, "\n\n\n"), (Ids{kLine, kLine, kLine}));
  EXPECT_EQ(encode(tokenizer, "a\nb"), (Ids{kA, kLine, kB}));
}

TEST(CharacterBpe, SpellsWhatHasNoToken) {
  Vocabulary vocabulary = characterVocabulary();
  Tokenizer tokenizer = make(vocabulary);
  EXPECT_EQ(encode(tokenizer, "aüb"),
            (Ids{kA, kBytes + 0xC3, kBytes + 0xBC, kB}));
  EXPECT_EQ(encode(tokenizer, "\xFF"), (Ids{kBytes + 0xFF}));
  EXPECT_EQ(tokenizer.decode(Ids{kBytes + 0xC3, kBytes + 0xBC}), "ü");
  Vocabulary bare = Vocabulary::withDefaults("gemma4", "");
  bare.bos = bare.unk = addToken(bare, "<unk>", TokenType::Unknown);
  EXPECT_EQ(encode(make(bare), "üx"), (Ids{0, 0}));
  bare.unk = -1;
  auto ids = make(bare).encode("x", false, false);
  ASSERT_FALSE(ids.ok());
  expectContains(ids.status().message(), "no token for byte 0x78");
}

TEST(CharacterBpe, RefusesMergesOfNoTokens) {
  Vocabulary vocabulary = characterVocabulary();
  vocabulary.merges.push_back("b a");
  expectError(vocabulary, Code::CorruptData, "merge 3 ('b a') does not join");
}

} // namespace
} // namespace sinter
