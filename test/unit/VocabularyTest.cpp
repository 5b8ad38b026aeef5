// The bytes of a vocabulary: read back as written, every field checked.
#include "runtime/Vocabulary.h"

#include "test/unit/Tokenizing.h"

#include <cstring>
#include <gtest/gtest.h>

namespace sinter {
namespace {

/// Empty strings and two tokens, so that offsets are easy to count.
std::string smallBytes() {
  Vocabulary vocabulary = Vocabulary::withDefaults("", "");
  vocabulary.tokens.push_back("a");
  vocabulary.tokens.push_back("bc");
  vocabulary.mergeIds.push_back({0, 1, 1});
  vocabulary.scores = {1, 2};
  vocabulary.tokenTypes = {TokenType::Normal, TokenType::Byte};
  vocabulary.eog = {1};
  return serialize(vocabulary);
}

TEST(Vocabulary, ParsesWhatItSerialized) {
  Vocabulary vocabulary = sentencePieceVocabulary({"a", "▁a", ""});
  vocabulary.chatTemplate = "{{ messages }}";
  vocabulary.eog = {2, 5};
  vocabulary.cls = 7;
  vocabulary.addEos = true;
  vocabulary.lowercase = false;
  Result<Vocabulary> parsed = parseText(serialize(vocabulary));
  ASSERT_TRUE(parsed.ok()) << parsed.status().message();
  EXPECT_EQ(*parsed, vocabulary);
  Result<Vocabulary> merges = parseText(serialize(helloVocabulary()));
  ASSERT_TRUE(merges.ok()) << merges.status().message();
  EXPECT_EQ(merges->mergeIds[2], (MergeIds{256, 257, 258}));
  EXPECT_EQ(serialize(*merges), serialize(helloVocabulary()));
  EXPECT_EQ(encode(make(*merges), "hello world"), (Ids{259, 264}));
}

TEST(Vocabulary, RefusesEveryTruncation) {
  std::string bytes = smallBytes();
  ASSERT_EQ(bytes.size(), 117U);
  ASSERT_TRUE(parseText(bytes).ok());
  for (size_t size = 0; size < bytes.size(); ++size) {
    Result<Vocabulary> parsed = parseText(bytes.substr(0, size));
    ASSERT_FALSE(parsed.ok()) << size;
    EXPECT_EQ(parsed.status().code(), Code::CorruptData);
    expectContains(parsed.status().message(), "are left");
  }
  Result<Vocabulary> longer = parseText(bytes + "x");
  ASSERT_FALSE(longer.ok());
  expectContains(longer.status().message(), "1 bytes too many");
}

TEST(Vocabulary, ChecksEveryField) {
  constexpr uint32_t kMillion = 1'000'001, kNotANumber = 0x7FC00000;
  struct Change {
    size_t offset;
    uint32_t value;
    const char *message;
  };
  for (const Change &change : {
           Change{0, 0, "does not begin with SVOC"},
           Change{4, 1, "version 1, this program reads 2"},
           Change{8, kMillion, "model has a string of 1000001 bytes, at most"},
           Change{20, 2, "bos is token 2, expected -1 or below 2"},
           Change{48, 0xFFFFFFFE, "cls is token -2"},
           Change{52, 64, "flags 0x40 has unknown bits"},
           Change{56, kMillion, "tokens has 1000001 elements, at most 1000000"},
           Change{56, 999999, "tokens needs 3999996 bytes, 57 are left"},
           Change{60, 4, "tokens has a string that ends at 3 after one that"},
           Change{64, kMillion + 1, "tokens has a string of 1000001 bytes"},
           Change{64, 100, "tokens needs 100 bytes, 49 are left"},
           Change{75, 2, "part of a merge is token 2"},
           Change{91, kNotANumber, "score of token 0 is not a number"},
           Change{109, 7, "eog is token 7"},
           Change{113, 9, "characters map needs 9 bytes, 0 are left"},
       }) {
    std::string bytes = smallBytes();
    std::memcpy(bytes.data() + change.offset, &change.value, 4);
    Result<Vocabulary> parsed = parseText(bytes);
    ASSERT_FALSE(parsed.ok()) << change.message;
    expectContains(parsed.status().message(), change.message);
  }
  std::string bytes = smallBytes();
  bytes[103] = 7;
  expectContains(parseText(bytes).status().message(),
                 "type of token 0 is 7, expected 0 to 6");
}

TEST(Vocabulary, ChecksThatListsMatchTheTokens) {
  Vocabulary scores = sentencePieceVocabulary({"a"});
  scores.scores.pop_back();
  expectContains(parseText(serialize(scores)).status().message(),
                 "259 scores for 260 tokens");
  Vocabulary types = sentencePieceVocabulary({"a"});
  types.tokenTypes.pop_back();
  expectContains(parseText(serialize(types)).status().message(),
                 "259 token types for 260 tokens");
}

} // namespace
} // namespace sinter
