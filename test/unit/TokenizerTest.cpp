// What all tokenizers share: special tokens, what surrounds a text, refusals;
// and, where SINTER_VOCAB_DIR is set, published vocabularies.
#include "runtime/Tokenizer.h"

#include "runtime/tokenizer/MergeTable.h"
#include "runtime/tokenizer/SpecialTokens.h"
#include "test/unit/Tokenizing.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <sstream>

namespace sinter {
namespace {

TEST(SpecialTokens, FindsLeftmostThenLongest) {
  Vocabulary vocabulary = byteLevelVocabulary({});
  int32_t user = addToken(vocabulary, "<tag>", TokenType::UserDefined);
  int32_t longer = addToken(vocabulary, "<tag><tag>", TokenType::UserDefined);
  int32_t control = addToken(vocabulary, "<end>", TokenType::Control);
  Tokenizer tokenizer = make(vocabulary);
  EXPECT_EQ(encode(tokenizer, "a<tag>b"), (Ids{'a', user, 'b'}));
  EXPECT_EQ(encode(tokenizer, "<tag><tag><tag>"), (Ids{longer, user}));
  EXPECT_EQ(encode(tokenizer, "<end>").size(), 5U);
  EXPECT_EQ(encode(tokenizer, "<<end>", false, true), (Ids{'<', control}));
  EXPECT_EQ(encode(tokenizer, "<en", false, true), (Ids{'<', 'e', 'n'}));
  EXPECT_EQ(tokenizer.piece(control, false), "");
  EXPECT_EQ(tokenizer.piece(control, true), "<end>");
  EXPECT_EQ(tokenizer.piece(user, false), "<tag>");
  EXPECT_EQ(tokenizer.piece(-1, true) + tokenizer.piece(99999, true), "");
  EXPECT_EQ(tokenizer.find("<end>"), control);
  EXPECT_EQ(tokenizer.find("<none>"), -1);
}

TEST(SpecialTokens, RefusesVeryLongOnes) {
  Vocabulary vocabulary = byteLevelVocabulary({});
  addToken(vocabulary, std::string(513, 'x'), TokenType::UserDefined);
  expectError(vocabulary, Code::Unsupported,
              "special token 256 has 513 bytes, at most 512");
}

TEST(SpecialTokens, RecognisesEndsOfText) {
  Vocabulary vocabulary = byteLevelVocabulary({});
  int32_t end = addToken(vocabulary, "<|im_end|>");
  int32_t text = addToken(vocabulary, "<|endoftext|>");
  vocabulary.eos = 'z';
  Tokenizer tokenizer = make(vocabulary);
  EXPECT_EQ(tokenizer.vocabulary().eot, end);
  EXPECT_EQ(tokenizer.vocabulary().eog, (Ids{'z', end, text}));
  EXPECT_TRUE(tokenizer.isEndOfGeneration(text));
  EXPECT_FALSE(tokenizer.isEndOfGeneration('a'));
  EXPECT_EQ(tokenizer.piece(end, false), "");
}

TEST(SpecialTokens, KnowsFormatsWhereMessagesEndBeforeTheText) {
  Vocabulary harmony = byteLevelVocabulary({});
  int32_t end = addToken(harmony, "<|end|>", TokenType::Control);
  addToken(harmony, "<|return|>", TokenType::Control);
  addToken(harmony, "<|call|>", TokenType::Control);
  int32_t channel = addToken(harmony, "<|channel|>", TokenType::Control);
  harmony.eot = 0;
  Tokenizer tokenizer = make(harmony);
  EXPECT_FALSE(tokenizer.isEndOfGeneration(end));
  EXPECT_EQ(tokenizer.piece(channel, false), "<|channel|>");
  Vocabulary tags = byteLevelVocabulary({});
  int32_t tag = addToken(tags, "</s>", TokenType::Control);
  int32_t tool = addToken(tags, "<|tool_response>", TokenType::Control);
  Tokenizer html = make(tags);
  EXPECT_FALSE(html.isEndOfGeneration(tag));
  EXPECT_TRUE(html.isEndOfGeneration(tool));
  EXPECT_EQ(html.piece(tag, false), "</s>");
}

TEST(Tokenizer, AddsBosAndEosAsTheModelWants) {
  Vocabulary vocabulary = byteLevelVocabulary({});
  vocabulary.bos = addToken(vocabulary, "<bos>", TokenType::Control);
  vocabulary.eos = addToken(vocabulary, "<end>", TokenType::Control);
  EXPECT_EQ(encode(make(vocabulary), "a", true), (Ids{'a'}));
  vocabulary.addBos = vocabulary.addEos = true;
  Tokenizer tokenizer = make(vocabulary);
  EXPECT_EQ(encode(tokenizer, "a", true), (Ids{256, 'a', 257}));
  EXPECT_EQ(encode(tokenizer, "a", false), (Ids{'a'}));
  EXPECT_EQ(tokenizer.decode(Ids{256, 'a', 257}), "a");
}

TEST(Tokenizer, RefusesWhatContradictsItself) {
  Vocabulary vocabulary = byteLevelVocabulary({});
  vocabulary.addBos = true;
  expectError(vocabulary, Code::CorruptData, "asks for a BOS token");
  vocabulary = byteLevelVocabulary({});
  vocabulary.addEos = true;
  expectError(vocabulary, Code::CorruptData, "asks for a EOS token");
  vocabulary = byteLevelVocabulary({});
  vocabulary.pad = 256;
  expectError(vocabulary, Code::CorruptData, "special token 256 of a");
  vocabulary = byteLevelVocabulary({});
  vocabulary.tokenTypes.pop_back();
  expectError(vocabulary, Code::CorruptData, "255 token types for 256 tokens");
  vocabulary = sentencePieceVocabulary({"a"});
  vocabulary.scores.pop_back();
  expectError(vocabulary, Code::CorruptData, "259 scores for 260 tokens");
  vocabulary = wordPieceVocabulary({});
  vocabulary.bos = vocabulary.cls = -1;
  expectError(vocabulary, Code::CorruptData, "asks for a CLS token");
  vocabulary = wordPieceVocabulary({});
  vocabulary.sep = -1;
  expectError(vocabulary, Code::CorruptData, "asks for a SEP token");
}

TEST(Tokenizer, NamesModelsItDoesNotKnow) {
  expectError(Vocabulary(), Code::Unsupported, "no_vocab");
  expectError(Vocabulary::withDefaults("rwkv", ""), Code::Unsupported,
              "unsupported tokenizer 'rwkv'");
}

TEST(Tokenizer, RefusesTokensAndMergesMadeToCollide) {
  Vocabulary tokens = byteLevelVocabulary({});
  uint64_t mask = tableCapacity(1300) - 1;
  for (uint32_t i = 0; tokens.tokens.size() < 1300; ++i)
    if (std::string text = fmt::format("{:08}", i);
        (hashText(text) & mask) == 0)
      addToken(tokens, text);
  expectError(tokens, Code::CorruptData, "collides with 1024 others");
  Vocabulary merges = byteLevelVocabulary({});
  for (int32_t i = 0; merges.mergeIds.size() < 1300; ++i)
    if ((hashPair(i, i) >> 32 & mask) == 0)
      merges.mergeIds.push_back({i, i, 0});
  expectError(merges, Code::CorruptData, "collides with 1024 others");
}

std::string readFile(const std::filesystem::path &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// Texts of NAME.inp, separated by marker lines, against the ids in NAME.out.
int checkPublished(const std::filesystem::path &path) {
  std::string bytes = readFile(path);
  auto vocabulary = parseText(bytes);
  EXPECT_TRUE(vocabulary.ok()) << path << vocabulary.status().message();
  Tokenizer tokenizer = make(*vocabulary);
  std::filesystem::path base = path;
  base.replace_extension();
  std::string texts = readFile(base.string() + ".inp");
  std::istringstream lines(readFile(base.string() + ".out"));
  constexpr std::string_view kMarker = "\n__ggml_vocab_test__\n";
  int checked = 0;
  for (std::string line; std::getline(lines, line); ++checked) {
    std::istringstream numbers(line);
    Ids expected(std::istream_iterator<int32_t>(numbers), {});
    size_t end = texts.find(kMarker);
    std::string text = texts.substr(0, end);
    EXPECT_EQ(encode(tokenizer, text), expected) << path << ": " << text;
    texts.erase(0, end == texts.npos ? end : end + kMarker.size());
  }
  return checked;
}

TEST(PublishedVocabularies, GiveThePublishedIds) {
  const char *folder = std::getenv("SINTER_VOCAB_DIR");
  if (!folder)
    GTEST_SKIP() << "unsupported: SINTER_VOCAB_DIR is not set";
  int checked = 0;
  for (const auto &entry : std::filesystem::directory_iterator(folder))
    if (std::filesystem::path base = entry.path();
        base.extension() == ".svoc" &&
        std::filesystem::exists(base.replace_extension().string() + ".out"))
      checked += checkPublished(entry.path());
  EXPECT_GT(checked, 0) << "no .svoc file with .inp and .out in " << folder;
}

} // namespace
} // namespace sinter
