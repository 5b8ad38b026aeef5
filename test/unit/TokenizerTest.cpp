// Checks the tokenizers by hand-made vocabularies, by slow references, by
// random text and, where SINTER_VOCAB_DIR is set, by published vocabularies.
#include "runtime/Tokenizer.h"

#include "runtime/tokenizer/MergeTable.h"
#include "runtime/tokenizer/PreTokenizer.h"
#include "runtime/tokenizer/SpecialTokens.h"
#include "test/unit/SlowMerging.h"
#include "test/unit/SmallVocabulary.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <random>
#include <span>
#include <sstream>

namespace sinter {
namespace {

using Ids = std::vector<int32_t>;

void expectContains(const std::string &text, std::string_view part) {
  EXPECT_NE(text.find(part), text.npos) << text;
}

Tokenizer make(const Vocabulary &vocabulary) {
  Result<Tokenizer> tokenizer = Tokenizer::create(vocabulary);
  EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  return std::move(*tokenizer);
}

Ids encode(const Tokenizer &tokenizer, std::string_view text,
           bool addSpecial = false, bool parseSpecial = false) {
  auto ids = tokenizer.encode(text, addSpecial, parseSpecial);
  EXPECT_TRUE(ids.ok()) << ids.status().message();
  return ids.ok() ? *ids : Ids();
}

void expectError(const Vocabulary &vocabulary, Code code,
                 std::string_view message) {
  Result<Tokenizer> tokenizer = Tokenizer::create(vocabulary);
  ASSERT_FALSE(tokenizer.ok());
  EXPECT_EQ(tokenizer.status().code(), code);
  expectContains(tokenizer.status().message(), message);
}

Vocabulary helloVocabulary() {
  return byteLevelVocabulary({{"h", "e"},    // 256
                              {"l", "l"},    // 257
                              {"he", "ll"},  // 258
                              {"hell", "o"}, // 259
                              {" ", "w"},    // 260
                              {" w", "o"},   // 261
                              {"r", "l"},    // 262
                              {" wo", "rl"}, // 263
                              {" worl", "d"}});
}

Result<Vocabulary> parseText(std::string_view bytes) {
  return parse(std::as_bytes(std::span(bytes)));
}

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
  ASSERT_EQ(bytes.size(), 113U);
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
           Change{4, 2, "version 2, this program reads 1"},
           Change{8, kMillion, "model has a string of 1000001 bytes, at most"},
           Change{20, 2, "bos is token 2, expected -1 or below 2"},
           Change{48, 0xFFFFFFFE, "cls is token -2"},
           Change{52, 64, "flags 0x40 has unknown bits"},
           Change{56, kMillion, "tokens has 1000001 elements, at most 1000000"},
           Change{56, 999999, "tokens needs 3999996 bytes, 53 are left"},
           Change{60, 4, "tokens has a string that ends at 3 after one that"},
           Change{64, kMillion + 1, "tokens has a string of 1000001 bytes"},
           Change{64, 100, "tokens needs 100 bytes, 45 are left"},
           Change{75, 2, "part of a merge is token 2"},
           Change{91, kNotANumber, "score of token 0 is not a number"},
           Change{109, 7, "eog is token 7"},
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

TEST(ByteLevelBpe, MergesByRankWithinWords) {
  Tokenizer tokenizer = make(helloVocabulary());
  EXPECT_EQ(encode(tokenizer, "hello world"), (Ids{259, 264}));
  EXPECT_EQ(encode(tokenizer, "help"), (Ids{256, 'l', 'p'}));
  EXPECT_EQ(encode(tokenizer, "world"), (Ids{'w', 'o', 262, 'd'}));
  EXPECT_EQ(encode(tokenizer, "\xC3\xA9\xFF"), (Ids{0xC3, 0xA9, 0xFF}));
  EXPECT_EQ(encode(tokenizer, ""), Ids());
  Tokenizer ties = make(byteLevelVocabulary({{"a", "a"}}));
  EXPECT_EQ(encode(ties, "aaa"), (Ids{256, 'a'}));
}

TEST(ByteLevelBpe, TakesWholeWordsWherePreTokenizerSaysSo) {
  // No order of merges leads to "abc": a b c, then ab c.
  Vocabulary vocabulary = byteLevelVocabulary({{"a", "b"}}, "llama-bpe");
  addToken(vocabulary, "abc");
  EXPECT_EQ(encode(make(vocabulary), "abc"), (Ids{257}));
  vocabulary.pre = "qwen2";
  EXPECT_EQ(encode(make(vocabulary), "abc"), (Ids{256, 'c'}));
}

TEST(ByteLevelBpe, AgreesWithSlowMerging) {
  std::mt19937 random(1);
  for (int round = 0; round < 40; ++round) {
    Vocabulary vocabulary = byteLevelVocabulary({});
    std::vector<std::string> known = {"a", "b", "c"};
    for (int i = 0; i < 25; ++i) {
      std::string left = known[random() % known.size()];
      std::string right = known[random() % known.size()];
      vocabulary.merges.push_back(left + " " + right);
      addToken(vocabulary, left + right);
      known.push_back(left + right);
    }
    Tokenizer tokenizer = make(vocabulary);
    for (int i = 0; i < 50; ++i) {
      std::string word(random() % 30 + 1, ' ');
      for (char &c : word)
        c = static_cast<char>('a' + random() % 3);
      ASSERT_EQ(encode(tokenizer, word), slowEncode(word, vocabulary)) << word;
    }
  }
}

std::string randomText(std::mt19937 &random) {
  std::string text;
  for (size_t count = random() % 24; count > 0; --count) {
    constexpr uint32_t kLimits[] = {0x80, 0x80, 0x250, 0x3000, 0x110000};
    uint32_t point = random() % kLimits[random() % 5];
    if (random() % 4 == 0)
      point = " \n\t'19"[random() % 6];
    if (point < 0xD800 || point >= 0xE000)
      appendPoint(point, text);
  }
  return text;
}

TEST(ByteLevelBpe, DecodesWhatItEncoded) {
  for (const char *pre :
       {"gpt-2", "llama-bpe", "qwen2", "qwen35", "deepseek-llm",
        "deepseek-coder", "deepseek-v3", "falcon", "starcoder", "tekken",
        "gpt-4o", "default"}) {
    Vocabulary vocabulary = helloVocabulary();
    vocabulary.pre = pre;
    Tokenizer tokenizer = make(vocabulary);
    std::mt19937 random(7);
    for (int i = 0; i < 10000; ++i) {
      std::string text = randomText(random);
      if (i % 10 == 0) // not even valid UTF-8
        text.insert(random() % (text.size() + 1), 1,
                    static_cast<char>(random()));
      ASSERT_EQ(tokenizer.decode(encode(tokenizer, text)), text) << pre;
    }
  }
}

TEST(ByteLevelBpe, TakesLinearTimeForOneLongWord) {
  Tokenizer tokenizer = make(byteLevelVocabulary({{"a", "a"}, {"aa", "aa"}}));
  EXPECT_EQ(encode(tokenizer, std::string(1 << 20, 'a')).size(), 1U << 18);
  for (const char *pre : {"deepseek-llm", "gpt-4o", "llama-bpe"}) {
    Vocabulary vocabulary = byteLevelVocabulary({}, pre);
    std::string spaces(1 << 20, ' ');
    EXPECT_EQ(encode(make(vocabulary), spaces + "x").size(), (1U << 20) + 1);
  }
}

TEST(ByteLevelBpe, NeedsATokenForEachByte) {
  Vocabulary vocabulary = Vocabulary::withDefaults("gpt2", "gpt-2");
  addToken(vocabulary, "a");
  addToken(vocabulary, "?");
  Tokenizer tokenizer = make(vocabulary);
  EXPECT_EQ(encode(tokenizer, "aa"), (Ids{0, 0}));
  auto ids = tokenizer.encode("ab", false, false);
  ASSERT_FALSE(ids.ok());
  EXPECT_EQ(ids.status().code(), Code::InvalidArgument);
  expectContains(ids.status().message(), "no token for byte 0x62");
  vocabulary.unk = 1;
  EXPECT_EQ(encode(make(vocabulary), "ab"), (Ids{0, 1}));
}

TEST(ByteLevelBpe, RefusesMergesOfUnknownTokens) {
  for (const char *merge : {"a", "", " ", "a zz", "zz a", "a b"}) {
    Vocabulary vocabulary = byteLevelVocabulary({});
    vocabulary.merges.push_back(merge);
    expectError(vocabulary, Code::CorruptData,
                fmt::format("merge 0 ('{}') does not join", merge));
    auto bytes = serialize(vocabulary);
    auto parsed = parseText(bytes);
    ASSERT_TRUE(parsed.ok());
    expectError(*parsed, Code::CorruptData, "merge 0 ('?') does not join");
  }
}

TEST(PreTokenizer, NamesThoseItKnows) {
  Vocabulary vocabulary = byteLevelVocabulary({}, "nonsense");
  expectError(vocabulary, Code::Unsupported,
              "unknown pre-tokenizer 'nonsense'");
  expectError(vocabulary, Code::Unsupported, "llama-bpe");
  vocabulary.pre = "";
  make(vocabulary);
}

std::string split(std::string_view name, std::string_view text) {
  auto preTokenizer = findPreTokenizer(name);
  CodePoints points(text);
  std::string out;
  size_t begin = 0;
  for (size_t end : splitWords(*preTokenizer, points)) {
    out += out.empty() ? "" : "|";
    out += text.substr(points.offset[begin],
                       points.offset[end] - points.offset[begin]);
    begin = end;
  }
  return out;
}

TEST(PreTokenizer, SplitsAsTheExpressionsDo) {
  EXPECT_EQ(split("gpt-2", "I'll  pay 1234$!\n\n x"),
            "I|'ll| | pay| 1234|$!|\n\n| x");
  EXPECT_EQ(split("gpt-2", "a  "), "a|  ");
  EXPECT_EQ(split("gpt-2", "I'LL"), "I|'|LL");
  EXPECT_EQ(split("llama-bpe", "I'LL (pay) 12345 \n x!\n"),
            "I|'LL| (|pay|)| |123|45| \n| x|!\n");
  EXPECT_EQ(split("qwen2", "x123"), "x|1|2|3");
  EXPECT_EQ(split("qwen2", "क\u094D"), "क|\u094D");
  EXPECT_EQ(split("qwen35", "क\u094D"), "क\u094D");
  EXPECT_EQ(split("starcoder", " 12ab"), " |1|2|ab");
  EXPECT_EQ(split("falcon", "a`b 12345"), "a|`|b| |123|45");
  EXPECT_EQ(split("default", "a`b 12345"), "a|`|b| |123|45");
  EXPECT_EQ(split("default", "$`"), "$|`");
  EXPECT_EQ(split("falcon", "$`"), "$`");
  EXPECT_EQ(split("deepseek-llm", "Hi  你好123\n\n"), "Hi|  |你好|123|\n|\n");
  EXPECT_EQ(split("deepseek-coder", "Hi, 你好12"), "Hi|,| |你好|1|2");
  EXPECT_EQ(split("deepseek-v3", "(abc 1234あx"), "(abc| |123|4|あ|x");
  EXPECT_EQ(split("tekken", "HelloWORLDs don't/\n"),
            "Hello|WORLDs| don|'t|/\n");
  EXPECT_EQ(split("gpt-4o", "HelloWORLDs don't 1234"),
            "Hello|WORLDs| don't| |123|4");
}

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
  for (const char *model : {"t5", "rwkv"})
    expectError(Vocabulary::withDefaults(model, ""), Code::Unsupported,
                fmt::format("unsupported tokenizer '{}'", model));
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
