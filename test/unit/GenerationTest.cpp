/// Tests why a text ends, and what is told about it.
#include "runtime/Generation.h"

#include "runtime/ArtifactTokenizer.h"
#include "runtime/ModelInfo.h"
#include "test/unit/TinyArtifact.h"

#include <gtest/gtest.h>

using namespace sinter;

namespace {

struct Model {
  std::unique_ptr<Artifact> artifact;
  std::unique_ptr<Session> session;
  std::unique_ptr<Tokenizer> tokenizer;
};

class GenerationTest : public ::testing::Test {
protected:
  void SetUp() override {
    if (tiny::kernels().empty())
      GTEST_SKIP() << "no C compiler (cc) to make kernels with";
    parts.kernels = tiny::kernels();
  }

  Model open(const Vocabulary &vocabulary, uint32_t context = 0) {
    parts.vocabulary = serialize(vocabulary);
    Model model;
    auto artifact = Artifact::open(tiny::write(parts, "text.bin"));
    EXPECT_TRUE(artifact.ok()) << artifact.status().message();
    model.artifact = std::make_unique<Artifact>(std::move(*artifact));
    SessionOptions options;
    options.contextLength = context;
    auto session = Session::create(*model.artifact, options);
    EXPECT_TRUE(session.ok()) << session.status().message();
    model.session = std::move(*session);
    auto tokenizer = openTokenizer(*model.artifact);
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().message();
    model.tokenizer = std::make_unique<Tokenizer>(std::move(*tokenizer));
    return model;
  }

  Result<Generation> write(Model &model, std::vector<int32_t> prompt,
                           GenerationOptions options) {
    SamplerOptions greedy;
    greedy.temperature = 0;
    auto sampler = Sampler::create(greedy);
    EXPECT_TRUE(sampler.ok());
    return generate(*model.session, *model.tokenizer, *sampler, prompt, options,
                    interrupted, [&](std::string_view text) { shown += text; });
  }

  tiny::Parts parts;
  std::atomic<bool> interrupted = false;
  std::string shown;
};

TEST_F(GenerationTest, StopsAtTheLength) {
  Model model = open(tiny::letters());
  auto made = write(model, {0, 1, 2}, {.maxTokens = 5});
  ASSERT_TRUE(made.ok()) << made.status().message();
  EXPECT_EQ(made->stop, StopReason::Length);
  EXPECT_EQ(made->text, "jjjjj");
  EXPECT_EQ(shown, made->text);
  EXPECT_EQ(made->tokens, std::vector<int32_t>(5, 9));
  EXPECT_EQ(made->promptTokens, 3u);
  EXPECT_EQ(made->decodeSteps, 4u);
  EXPECT_NE(made->firstToken, Generation::Time());
}

TEST_F(GenerationTest, WritesNothingForLengthZero) {
  Model model = open(tiny::letters());
  auto made = write(model, {0}, {.maxTokens = 0});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->stop, StopReason::Length);
  EXPECT_EQ(made->text, "");
  EXPECT_EQ(made->firstToken, Generation::Time());
}

TEST_F(GenerationTest, StopsWhereTheModelEnds) {
  Vocabulary vocabulary = tiny::letters();
  vocabulary.eos = 9;
  Model model = open(vocabulary);
  auto made = write(model, {0}, {.maxTokens = 5});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->stop, StopReason::End);
  EXPECT_TRUE(made->tokens.empty());
  // Without the end, the next best token is the one before it.
  Model again = open(vocabulary);
  auto on = write(again, {0}, {.maxTokens = 3, .ignoreEnd = true});
  ASSERT_TRUE(on.ok());
  EXPECT_EQ(on->stop, StopReason::Length);
  EXPECT_EQ(on->text, "iii");
}

TEST_F(GenerationTest, StopsWhenTheContextIsFull) {
  Model model = open(tiny::letters(), 20);
  auto made = write(model, std::vector<int32_t>(15, 1), {});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->stop, StopReason::Context);
  // The last token is shown, though there is no room to go on from it.
  EXPECT_EQ(made->tokens.size(), 6u);
  EXPECT_EQ(model.session->length(0), 20u);
}

TEST_F(GenerationTest, StopsWhenInterrupted) {
  Model model = open(tiny::letters());
  interrupted = true;
  auto made = write(model, {0, 1}, {});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->stop, StopReason::Interrupted);
  EXPECT_EQ(made->promptTokens, 0u);
  EXPECT_EQ(made->text, "");
}

TEST_F(GenerationTest, ShowsOnlyWholeCharacters) {
  Vocabulary vocabulary = tiny::letters();
  vocabulary.tokens = {};
  for (const char *token : {"a", "b", "c", "d", "e", "f", "g", "h", "i",
                            "\xc3\x83"}) // the byte 0xc3 in GPT-2's spelling
    vocabulary.tokens.push_back(token);
  Model model = open(vocabulary);
  auto made = write(model, {0}, {.maxTokens = 1});
  ASSERT_TRUE(made.ok());
  EXPECT_EQ(made->text, "\xef\xbf\xbd");
}

TEST_F(GenerationTest, RefusesPromptsThatDoNotFit) {
  Model model = open(tiny::letters(), 20);
  EXPECT_EQ(write(model, {}, {}).status().message(), "prompt has no tokens");
  EXPECT_EQ(write(model, std::vector<int32_t>(21, 1), {}).status().message(),
            "prompt has 21 tokens, the context has room for 20 (a larger --ctx "
            "gives more)");
}

/// An encoder's rows are nothing to choose by.
TEST_F(GenerationTest, ChoosesNoTokensFromEmbeddings) {
  parts.plan.result = ResultKind::Embedding;
  Model model = open(tiny::letters());
  auto token = model.session->appendAndChoose(0, std::vector<int32_t>{1}, {});
  ASSERT_FALSE(token.ok());
  EXPECT_EQ(token.status().message(),
            "the model gives no logits to choose tokens by");
}

TEST_F(GenerationTest, NamesTheFileWithoutAVocabulary) {
  auto artifact = Artifact::open(tiny::write(parts, "ids.bin"));
  ASSERT_TRUE(artifact.ok());
  EXPECT_EQ(openTokenizer(*artifact).status().message(),
            "'" + tiny::folder() +
                "/ids.bin' has no vocabulary; it takes token ids only");
  parts.vocabulary = "??";
  artifact = Artifact::open(tiny::write(parts, "bad.bin"));
  ASSERT_TRUE(artifact.ok());
  EXPECT_EQ(openTokenizer(*artifact).status().message().find(
                "'" + tiny::folder() + "/bad.bin': "),
            0u);
}

constexpr const char *kReport = R"json({"fusions": [
    {"name": "fuse-swiglu", "on": true, "fused": 2, "expected": 3,
     "refused": ["gate is not a matmul x1 (first at blk.2)"]},
    {"name": "fuse-moe", "on": false}]})json";

TEST_F(GenerationTest, InfoShowsMemoryAndFusions) {
  parts.report = kReport;
  Model model = open(tiny::letters(), 40);
  std::string text = modelText(*model.artifact, *model.session);
  for (const char *line :
       {"model        tiny (sum, 1.3e-05 million parameters)\n",
        "compiler     sinter test\n", "requires     sse3\n",
        "context      40 tokens (trained for 100)\n",
        "KV cache     f32, 8 B per token, 384 B for the whole context\n",
        "fuse-swiglu                         2        3\n"
        "    gate is not a matmul x1 (first at blk.2)\n"
        "fuse-moe                          off        -\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << "in\n" << text;
  Json json = describeModel(*model.artifact, *model.session);
  EXPECT_EQ(json["memory"]["cache_for_context"], 384);
  EXPECT_EQ(json["memory"]["arena"], 128);
  EXPECT_EQ(json["session"]["context"], 40);
  EXPECT_EQ(json["manifest"]["model"]["name"], "tiny");
  EXPECT_EQ(json["report"]["fusions"][0]["fused"], 2);
}

TEST(ModelInfo, BytesAreRounded) {
  EXPECT_EQ(byteText(512), "512 B");
  EXPECT_EQ(byteText(1536), "1.50 KiB");
  EXPECT_EQ(byteText(uint64_t(12) << 20), "12.0 MiB");
  EXPECT_EQ(byteText(uint64_t(3) << 40), "3.00 TiB");
}

} // namespace
