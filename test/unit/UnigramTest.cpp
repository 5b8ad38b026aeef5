// SentencePiece's unigram model: the best of all ways to cut a text, by hand
// and against a search of all; maps of characters, sound and broken.
#include "runtime/tokenizer/CharacterMap.h"
#include "test/unit/Tokenizing.h"

#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <random>

namespace sinter {
namespace {

TEST(Unigram, TakesTheBestSum) {
  Vocabulary vocabulary = unigramVocabulary(
      {{"a", -1}, {"b", -1}, {"ab", -1.5F}, {"ba", -3}, {"aba", -2.5F}});
  Tokenizer tokenizer = make(vocabulary);
  constexpr int32_t a = 3, ab = 5, aba = 7;
  EXPECT_EQ(encode(tokenizer, "ab"), (Ids{ab}));
  EXPECT_EQ(encode(tokenizer, "aba"), (Ids{aba})); // ab a is as good, but later
  EXPECT_EQ(encode(tokenizer, "abab"), (Ids{ab, ab}));
  EXPECT_EQ(encode(tokenizer, "aa", true), (Ids{a, a, 1}));
  EXPECT_EQ(encode(tokenizer, ""), Ids());
}

TEST(Unigram, MakesOneTokenOfUnknownCharacters) {
  Vocabulary vocabulary = unigramVocabulary({{"a", -1}, {"b", -3}, {"éa", -9}});
  Tokenizer tokenizer = make(vocabulary);
  constexpr int32_t unknown = 2, a = 3, accented = 5;
  EXPECT_EQ(encode(tokenizer, "axyz"), (Ids{a, unknown}));
  EXPECT_EQ(encode(tokenizer, "xay"), (Ids{unknown, a, unknown}));
  // An unknown character costs 10 more than the worst token.
  EXPECT_EQ(encode(tokenizer, "éa"), (Ids{accented}));
  EXPECT_EQ(encode(tokenizer, "\xC3"), (Ids{unknown}));
  EXPECT_EQ(encode(tokenizer, "</s>a"), (Ids{unknown, a}));
  vocabulary.unk = -1;
  auto ids = make(vocabulary).encode("x", false, false);
  ASSERT_FALSE(ids.ok());
  expectContains(ids.status().message(), "no token for a character");
}

TEST(Unigram, WritesSpacesAsItsOptionsSay) {
  Vocabulary vocabulary =
      unigramVocabulary({{"▁", -1}, {"a", -1}, {"▁a", -1}, {"▁▁", -1}});
  constexpr int32_t space = 3, a = 4, spaceA = 5, spaces = 6;
  EXPECT_EQ(encode(make(vocabulary), " a  "), (Ids{spaceA, spaces}));
  EXPECT_EQ(encode(make(vocabulary), "a "), (Ids{a, space}));
  vocabulary.addSpacePrefix = true;
  EXPECT_EQ(encode(make(vocabulary), "a"), (Ids{spaceA}));
  EXPECT_EQ(encode(make(vocabulary), " a"), (Ids{space, spaceA}));
  vocabulary.removeExtraWhitespaces = true;
  EXPECT_EQ(encode(make(vocabulary), "  a   a "), (Ids{spaceA, spaceA}));
  EXPECT_EQ(encode(make(vocabulary), "   "), Ids());
  Tokenizer tokenizer = make(vocabulary);
  EXPECT_EQ(tokenizer.decode(Ids{spaceA, spaceA, 1}), "a a");
  EXPECT_EQ(tokenizer.piece(spaceA, false), " a");
}

/// The best sum of all ways to cut `text`.
double bestScore(std::string_view text,
                 const std::map<std::string, float> &scores) {
  if (text.empty())
    return 0;
  double best = -std::numeric_limits<double>::infinity();
  for (size_t size = 1; size <= text.size(); ++size)
    if (auto found = scores.find(std::string(text.substr(0, size)));
        found != scores.end())
      best =
          std::max(best, found->second + bestScore(text.substr(size), scores));
  return best;
}

std::string randomText(std::mt19937 &random, size_t size) {
  std::string text(size, 'a');
  for (char &c : text)
    c = static_cast<char>('a' + random() % 3);
  return text;
}

TEST(Unigram, AgreesWithTryingAll) {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    Vocabulary vocabulary =
        unigramVocabulary({{"a", -6}, {"b", -5}, {"c", -7}});
    std::map<std::string, float> scores = {{"a", -6}, {"b", -5}, {"c", -7}};
    for (int i = 0; i < 8; ++i) {
      std::string piece = randomText(random, random() % 3 + 2);
      auto score = -0.25F * static_cast<float>(random() % 60);
      if (scores.try_emplace(piece, score).second)
        addToken(vocabulary, piece, TokenType::Normal, score);
    }
    std::string text = randomText(random, random() % 12 + 1), joined;
    double sum = 0;
    for (int32_t id : encode(make(vocabulary), text)) {
      sum += vocabulary.scores[id];
      joined += vocabulary.tokens[id];
    }
    ASSERT_EQ(joined, text);
    ASSERT_EQ(sum, bestScore(text, scores)) << text; // quarters add exactly
  }
}

TEST(Unigram, RefusesVeryLongTokens) {
  Vocabulary vocabulary = unigramVocabulary({{"a", -1}});
  addToken(vocabulary, std::string(513, 'x'));
  expectError(vocabulary, Code::Unsupported,
              "token 4 has 513 bytes, at most 512 are supported");
}

TEST(CharacterMap, ReplacesTheLongestBeginning) {
  std::string bytes = smallCharactersMap();
  auto map = CharacterMap::create(bytes);
  ASSERT_TRUE(map.ok()) << map.status().message();
  CharacterMap::Replacement found;
  ASSERT_TRUE(map->find("\1x", found).ok());
  EXPECT_EQ(found.consumed, 1U);
  EXPECT_EQ(found.text, "ab");
  ASSERT_TRUE(map->find("\1\2x", found).ok());
  EXPECT_EQ(found.consumed, 2U);
  EXPECT_EQ(found.text, " ");
  ASSERT_TRUE(map->find("\3", found).ok());
  EXPECT_EQ(found.consumed, 0U);
  ASSERT_TRUE(CharacterMap::create("")->find("\1", found).ok());
  EXPECT_EQ(found.consumed, 0U);
}

TEST(CharacterMap, ChangesWhatIsEncoded) {
  Vocabulary vocabulary =
      unigramVocabulary({{"a", -1}, {"b", -1}, {"▁", -1}, {"ab", -1}});
  vocabulary.charactersMap = smallCharactersMap();
  EXPECT_EQ(encode(make(vocabulary), "a\1\1\2"), (Ids{3, 6, 5}));
}

void expectBroken(const std::string &bytes, std::string_view message) {
  Vocabulary vocabulary = unigramVocabulary({{"a", -1}});
  vocabulary.charactersMap = bytes;
  expectError(vocabulary, Code::CorruptData, message);
}

TEST(CharacterMap, RefusesSizesThatContradict) {
  expectBroken("abc", "3 bytes hold no size");
  expectBroken(charactersMap({}, "").replace(0, 1, 1, '\4'),
               "the trie has 4 bytes, expected a multiple of 4 and at most 0");
  expectBroken(charactersMap({}, "abc").replace(0, 1, 1, '\3'),
               "the trie has 3 bytes, expected a multiple of 4");
  expectBroken(charactersMap({0}, "abc"), "the last replacement has no end");
}

void expectAstray(const std::string &bytes, std::string_view message) {
  auto map = CharacterMap::create(bytes);
  ASSERT_TRUE(map.ok()) << map.status().message();
  CharacterMap::Replacement found;
  Status status = map->find("\1", found);
  ASSERT_FALSE(status.ok());
  EXPECT_EQ(status.code(), Code::CorruptData);
  expectContains(status.message(), message);
}

TEST(CharacterMap, RefusesPlacesOutsideItself) {
  constexpr uint32_t hasValue = 1U << 8;
  expectAstray(charactersMap({4U << 10}, ""), "an edge leads to unit 5 of 1");
  expectAstray(charactersMap({1U << 9 | 1U << 10}, ""),
               "an edge leads to unit 257 of 1");
  expectAstray(charactersMap({2U << 10, 0, 0, 8U << 10 | hasValue | 1}, ""),
               "a value is in unit 11 of 4");
  expectAstray(charactersMap({2U << 10, 0, 9, 1U << 10 | hasValue | 1},
                             std::string_view("ab\0", 3)),
               "a replacement begins at 9 of 3 bytes");
}

} // namespace
} // namespace sinter
