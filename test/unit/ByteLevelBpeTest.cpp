// Byte-level BPE and the expressions that cut words for it, by hand-made
// vocabularies, a slow reference and random text.
#include "runtime/tokenizer/PreTokenizer.h"
#include "test/unit/SlowMerging.h"
#include "test/unit/Tokenizing.h"

#include <gtest/gtest.h>
#include <random>

namespace sinter {
namespace {

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

} // namespace
} // namespace sinter
