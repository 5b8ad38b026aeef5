// SentencePiece BPE and WordPiece, by hand-made vocabularies and a slow
// reference.
#include "test/unit/SlowMerging.h"
#include "test/unit/Tokenizing.h"

#include <algorithm>
#include <gtest/gtest.h>
#include <random>

namespace sinter {
namespace {

TEST(SentencePiece, MergesByScore) {
  Tokenizer tokenizer = make(sentencePieceVocabulary(
      {"he", "ll", "hell", "hello", "▁hello", "▁", "h", "e", "l", "o"}));
  constexpr int32_t he = 259, ll = 260, space = 264, hello = 263;
  EXPECT_EQ(encode(tokenizer, "hello"), (Ids{hello}));
  EXPECT_EQ(encode(tokenizer, "hello hello"), (Ids{hello, hello}));
  EXPECT_EQ(encode(tokenizer, " hello"), (Ids{space, hello}));
  EXPECT_EQ(encode(tokenizer, "hell", true), (Ids{1, space, 261}));
  EXPECT_EQ(encode(tokenizer, "hel"), (Ids{space, he, 267}));
  EXPECT_EQ(encode(tokenizer, "llé"), (Ids{space, ll, 3 + 0xC3, 3 + 0xA9}));
  EXPECT_EQ(encode(tokenizer, "<s>hello", false, true), (Ids{1, hello}));
  EXPECT_EQ(encode(tokenizer, "\xFF"), (Ids{space, 3 + 0xFF}));
  EXPECT_EQ(tokenizer.decode(Ids{1, hello, hello, 3 + '\n'}), "hello hello\n");
  EXPECT_EQ(tokenizer.piece(hello, false), " hello");
  EXPECT_EQ(encode(tokenizer, ""), Ids());
}

TEST(SentencePiece, AgreesWithSlowMerging) {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    Vocabulary vocabulary = sentencePieceVocabulary({"a", "b"});
    vocabulary.addSpacePrefix = false;
    std::vector<std::string> known = {"a", "b"};
    for (int i = 0; i < 12; ++i) {
      std::string piece =
          known[random() % known.size()] + known[random() % known.size()];
      if (std::find(known.begin(), known.end(), piece) != known.end())
        continue;
      addToken(vocabulary, piece, TokenType::Normal,
               static_cast<float>(random() % 8));
      known.push_back(piece);
    }
    std::string word(random() % 20 + 1, 'a');
    for (char &c : word)
      c = static_cast<char>('a' + random() % 2);
    ASSERT_EQ(encode(make(vocabulary), word), slowEncode(word, vocabulary));
  }
}

TEST(SentencePiece, FollowsItsOptions) {
  Vocabulary vocabulary = sentencePieceVocabulary({"▁", "a", "▁a", "a▁a"});
  constexpr int32_t space = 259, a = 260, aSpaceA = 262;
  vocabulary.addSpacePrefix = false;
  // A token that spans words: they cannot be encoded one by one.
  EXPECT_EQ(encode(make(vocabulary), "a a"), (Ids{aSpaceA}));
  EXPECT_EQ(encode(make(vocabulary), "a  "), (Ids{a, space, space}));
  vocabulary.removeExtraWhitespaces = true;
  EXPECT_EQ(encode(make(vocabulary), "  a   a "), (Ids{aSpaceA}));
  EXPECT_EQ(encode(make(vocabulary), "   "), Ids());
}

TEST(SentencePiece, FallsBackToTheUnknownToken) {
  Vocabulary vocabulary = Vocabulary::withDefaults("llama", "");
  for (const char *text : {"<unk>", "<s>", "</s>"})
    addToken(vocabulary, text, TokenType::Control);
  addToken(vocabulary, "▁");
  EXPECT_EQ(encode(make(vocabulary), "é"), (Ids{3, 0}));
  vocabulary.unk = -1;
  auto ids = make(vocabulary).encode("é", false, false);
  ASSERT_FALSE(ids.ok());
  expectContains(ids.status().message(), "no token for byte 0xc3");
}

TEST(WordPiece, SplitsGreedilyAfterNormalising) {
  Tokenizer tokenizer =
      make(wordPieceVocabulary({"▁hello", "▁wor", "ld", "▁,", "▁ca", "fe",
                                "▁你", "▁\u1112\u1161\u11AB"}));
  EXPECT_EQ(encode(tokenizer, "Hello,WORLD", true), (Ids{2, 4, 7, 5, 6, 3}));
  EXPECT_EQ(encode(tokenizer, "Café hello你"), (Ids{8, 9, 4, 10}));
  EXPECT_EQ(encode(tokenizer, "hel\x01lo worse"), (Ids{4, 1}));
  EXPECT_EQ(encode(tokenizer, std::string(100, 'x') + " hello"), (Ids{1, 4}));
  EXPECT_EQ(tokenizer.decode(Ids{2, 4, 5, 6, 3}), "hello world");
  EXPECT_EQ(encode(tokenizer, "한"), (Ids{11}));
}

TEST(WordPiece, FollowsItsOptions) {
  Vocabulary vocabulary = wordPieceVocabulary({"▁é", "▁e", "▁É", "a"});
  addToken(vocabulary, "▁" + std::string("a"));
  EXPECT_EQ(encode(make(vocabulary), "É"), (Ids{5}));
  EXPECT_EQ(encode(make(vocabulary), std::string(101, 'a')), (Ids{1}));
  EXPECT_EQ(encode(make(vocabulary), std::string(100, 'a')).size(), 100U);
  vocabulary.stripAccents = false;
  EXPECT_EQ(encode(make(vocabulary), "É"), (Ids{4}));
  vocabulary.lowercase = false;
  EXPECT_EQ(encode(make(vocabulary), "É"), (Ids{6}));
  vocabulary.unk = -1;
  auto ids = make(vocabulary).encode("zz", false, false);
  ASSERT_FALSE(ids.ok());
  expectContains(ids.status().message(), "no tokens for 'zz'");
}

} // namespace
} // namespace sinter
