/// Tests that a session gives the same answer for every way of cutting a text
/// into steps, for any threads, and allocates nothing while it runs.
#include "runtime/Session.h"

#include "runtime/Evaluation.h"
#include "runtime/bench/Allocations.h"
#include "test/unit/TinyArtifact.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace sinter;

namespace {

struct Model {
  std::unique_ptr<Artifact> artifact;
  std::unique_ptr<Session> session;
};

Model open(const std::string &path, SessionOptions options = {}) {
  Model model;
  auto artifact = Artifact::open(path);
  EXPECT_TRUE(artifact.ok()) << artifact.status().message();
  model.artifact = std::make_unique<Artifact>(std::move(*artifact));
  auto session = Session::create(*model.artifact, options);
  EXPECT_TRUE(session.ok()) << session.status().message();
  model.session = std::move(*session);
  return model;
}

class SessionTest : public ::testing::Test {
protected:
  void SetUp() override {
    if (tiny::kernels().empty())
      GTEST_SKIP() << "no C compiler (cc) to make kernels with";
    parts.kernels = tiny::kernels();
    path = tiny::write(parts, "session.bin");
  }

  tiny::Parts parts;
  std::string path;
};

std::vector<int32_t> text(size_t count) {
  std::vector<int32_t> tokens(count);
  for (size_t i = 0; i < count; ++i)
    tokens[i] = int32_t(i * 7 % tiny::kVocabulary);
  return tokens;
}

/// What the tiny model answers after `tokens`, for vocabulary entry 0.
float expected(std::span<const int32_t> tokens) {
  float sum =
      float(std::cos(double(tokens.size() - 1) * double(tiny::kFrequency)));
  for (int32_t id : tokens)
    sum += tiny::embedding(id);
  return sum;
}

std::vector<float> allLogits(Session &session,
                             std::span<const int32_t> tokens) {
  std::vector<float> rows;
  Status status = visitLogits(
      session, tokens, 0, [&](size_t, std::span<const float> logits) {
        rows.insert(rows.end(), logits.begin(), logits.end());
        return Status();
      });
  EXPECT_TRUE(status.ok()) << status.message();
  return rows;
}

TEST_F(SessionTest, AnswersAsTheFormulaSays) {
  Model model = open(path);
  auto tokens = text(40);
  auto rows = allLogits(*model.session, tokens);
  ASSERT_EQ(rows.size(), 40 * tiny::kVocabulary);
  for (size_t t = 0; t < tokens.size(); ++t)
    for (uint32_t v = 0; v < tiny::kVocabulary; ++v)
      EXPECT_NEAR(rows[t * tiny::kVocabulary + v],
                  expected(std::span(tokens).first(t + 1)) + float(v), 1e-3);
}

TEST_F(SessionTest, ChunksAndThreadsDoNotChangeABit) {
  auto tokens = text(90);
  std::vector<float> reference;
  for (int threads : {1, 2, 3, 4})
    for (uint32_t chunk : {1u, 3u, 7u, 8u}) {
      SessionOptions options;
      options.threads = threads;
      options.chunk = chunk;
      Model model = open(path, options);
      auto rows = allLogits(*model.session, tokens);
      if (reference.empty())
        reference = rows;
      EXPECT_EQ(rows, reference) << threads << " threads, chunk " << chunk;
    }
}

TEST_F(SessionTest, TakesTheSmallestRegimeThatFits) {
  parts.firstMark = 1000;
  parts.secondMark = 2000;
  Model model = open(tiny::write(parts, "regimes.bin"));
  auto tokens = text(3);
  auto many = model.session->append(0, tokens);
  ASSERT_TRUE(many.ok());
  EXPECT_NEAR((*many)[0], expected(tokens) + 2000, 1e-3);
  int32_t next[] = {4};
  tokens.push_back(4);
  auto one = model.session->append(0, next);
  ASSERT_TRUE(one.ok());
  EXPECT_NEAR((*one)[0], expected(tokens) + 1000, 1e-3);
}

TEST_F(SessionTest, AppendGivesTheLastTokensLogits) {
  Model model = open(path);
  auto tokens = text(21);
  auto logits = model.session->append(0, tokens);
  ASSERT_TRUE(logits.ok());
  ASSERT_EQ(logits->size(), tiny::kVocabulary);
  EXPECT_NEAR((*logits)[2], expected(tokens) + 2, 1e-3);
  EXPECT_EQ(model.session->length(0), 21u);
  auto none = model.session->append(0, tokens, Outputs::None);
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
}

TEST_F(SessionTest, MixedStepKeepsSequencesApart) {
  SessionOptions options;
  options.maxSequences = 3;
  options.threads = 2;
  Model model = open(path, options);
  int32_t tokens[] = {1, 2, 3, 4, 5, 6};
  int32_t positions[] = {0, 1, 2, 0, 0, 1};
  int32_t slots[] = {2, 2, 2, 0, 1, 1};
  int32_t outputs[] = {2, 3, 5};
  auto logits = model.session->step({tokens, positions, slots, outputs});
  ASSERT_TRUE(logits.ok()) << logits.status().message();
  ASSERT_EQ(logits->size(), 3 * tiny::kVocabulary);
  std::span all(tokens);
  EXPECT_NEAR((*logits)[0], expected(all.subspan(0, 3)), 1e-3);
  EXPECT_NEAR((*logits)[10], expected(all.subspan(3, 1)), 1e-3);
  EXPECT_NEAR((*logits)[20], expected(all.subspan(4, 2)), 1e-3);
}

TEST_F(SessionTest, ForkAndTruncateGoOnFromTheSameText) {
  SessionOptions options;
  options.maxSequences = 2;
  Model model = open(path, options);
  auto tokens = text(20);
  ASSERT_TRUE(model.session->append(0, tokens, Outputs::None).ok());
  ASSERT_TRUE(model.session->fork(0, 1).ok());
  int32_t left[] = {3}, right[] = {9};
  auto other = model.session->append(1, right);
  ASSERT_TRUE(other.ok());
  tokens.push_back(9);
  EXPECT_NEAR((*other)[0], expected(tokens), 1e-3);
  auto first = model.session->append(0, left);
  ASSERT_TRUE(first.ok());
  tokens.back() = 3;
  EXPECT_NEAR((*first)[0], expected(tokens), 1e-3);
  ASSERT_TRUE(model.session->truncate(0, 20).ok());
  auto again = model.session->append(0, right);
  ASSERT_TRUE(again.ok());
  tokens.back() = 9;
  EXPECT_NEAR((*again)[0], expected(tokens), 1e-3);
}

TEST_F(SessionTest, AllocatesNothingWhileAStepRuns) {
  SessionOptions options;
  options.threads = 2;
  Model model = open(path, options);
  auto tokens = text(50);
  uint64_t before = allocationsSoFar();
  ASSERT_TRUE(model.session->append(0, tokens).ok());
  for (int32_t i = 0; i < 30; ++i)
    ASSERT_TRUE(model.session->append(0, std::span(&tokens[i], 1)).ok());
  EXPECT_EQ(allocationsSoFar() - before, 0u);
}

/// The message of a step that must fail and leave the session as it was.
std::string refused(Session &session, const StepInput &input) {
  uint32_t before = session.length(0);
  auto logits = session.step(input);
  EXPECT_FALSE(logits.ok());
  EXPECT_EQ(session.length(0), before);
  return logits.status().message();
}

TEST_F(SessionTest, RefusesStepsThatDoNotFit) {
  SessionOptions options;
  options.maxSequences = 2;
  Model model = open(path, options);
  Session &session = *model.session;
  const std::vector<int32_t> zeros(9, 0);
  const int32_t up[] = {0, 1, 2, 3, 4, 5, 6, 7, 8};
  const int32_t first[] = {0}, second[] = {1};
  EXPECT_EQ(refused(session, {}), "step of 0 tokens, expected 1 to 8");
  EXPECT_EQ(refused(session, {zeros, up, zeros, {}}),
            "step of 9 tokens, expected 1 to 8");
  EXPECT_EQ(refused(session, {first, {}, first, {}}),
            "step of 1 tokens has 0 positions and 1 slots");
  const int32_t big[] = {10}, negative[] = {-1};
  EXPECT_EQ(refused(session, {big, first, first, {}}),
            "token 0 has id 10, expected 0 to 9");
  EXPECT_EQ(refused(session, {negative, first, first, {}}),
            "token 0 has id -1, expected 0 to 9");
  EXPECT_EQ(refused(session, {first, second, first, {}}),
            "token 0 has position 1, sequence 0 goes on at 0");
  const int32_t two[] = {2};
  EXPECT_EQ(refused(session, {first, first, two, {}}),
            "sequence 2 of 2 (counted from 0)");
  const int32_t mixedSlots[] = {0, 1, 0}, mixedPositions[] = {0, 0, 1};
  EXPECT_EQ(
      refused(session,
              {std::span(zeros).first(3), mixedPositions, mixedSlots, {}}),
      "tokens of sequence 0 are not adjacent");
  EXPECT_EQ(refused(session, {first, first, first, second}),
            "output row 1 after -1 in a step of 1 tokens");
  const int32_t twice[] = {0, 0};
  EXPECT_EQ(refused(session, {first, first, first, twice}),
            "output row 0 after 0 in a step of 1 tokens");
}

TEST_F(SessionTest, RefusesWhatExceedsTheContext) {
  SessionOptions options;
  options.contextLength = 20;
  Model model = open(path, options);
  Session &session = *model.session;
  EXPECT_EQ(session.append(0, text(21)).status().message(),
            "sequence of 0 tokens plus 21 exceeds the context of 20");
  EXPECT_EQ(session.length(0), 0u);
  ASSERT_TRUE(session.append(0, text(20)).ok());
  const int32_t one[] = {1}, at[] = {20}, slot[] = {0};
  EXPECT_EQ(refused(session, {one, at, slot, {}}),
            "sequence of 20 tokens plus 1 exceeds the context of 20");
  EXPECT_EQ(session.append(0, {}).status().message(), "no tokens to append");
  EXPECT_EQ(session.append(1, one).status().message(),
            "sequence 1 of 1 (counted from 0)");
  EXPECT_EQ(session.truncate(0, 21).message(),
            "sequence 0 has 20 tokens, cannot keep 21");
  EXPECT_EQ(session.fork(0, 1).message(), "sequence 1 of 1 (counted from 0)");
}

/// A context beyond the trained one is the user's choice.
TEST_F(SessionTest, ContextMayGrowBeyondTheTrainedOne) {
  SessionOptions options;
  options.contextLength = 200;
  Model model = open(path, options);
  auto tokens = text(150);
  auto logits = model.session->append(0, tokens);
  ASSERT_TRUE(logits.ok());
  EXPECT_NEAR((*logits)[0], expected(tokens), 1e-2);
}

TEST_F(SessionTest, RefusesOptionsByName) {
  auto message = [&](SessionOptions options) {
    auto artifact = Artifact::open(path);
    return Session::create(*artifact, options).status().message();
  };
  EXPECT_EQ(message({.contextLength = (1u << 30) + 1}),
            "context of 1073741825 tokens asked for, expected up to "
            "1073741824");
  EXPECT_EQ(message({.chunk = 9}),
            "chunks of 9 tokens asked for, expected up to 8");
  EXPECT_EQ(message({.threads = -2}),
            "-2 threads asked for, expected 1 to 1024");
  EXPECT_EQ(message({.maxSequences = 0}),
            "context of 100 tokens for 0 sequences, expected at least 1 of "
            "each");
}

TEST_F(SessionTest, PerplexityOfAUniformAnswerIsTheVocabulary) {
  Model model = open(path);
  // Logits are a constant plus v, so every likelihood is known.
  double sum = 0;
  for (uint32_t v = 0; v < tiny::kVocabulary; ++v)
    sum += std::exp(double(v));
  std::vector<int32_t> tokens(64, 3);
  auto result = measurePerplexity(*model.session, tokens, 16, -1);
  ASSERT_TRUE(result.ok()) << result.status().message();
  EXPECT_EQ(result->chunks, 4u);
  EXPECT_EQ(result->scored, 4u * (16 - 8 - 1));
  EXPECT_NEAR(result->perplexity, sum / std::exp(3.0), 0.01);
  EXPECT_EQ(
      measurePerplexity(*model.session, tokens, 40, -1).status().message(),
      "text has 64 tokens, expected at least 80: two chunks of 40");
  EXPECT_EQ(measurePerplexity(*model.session, tokens, 3, -1).status().message(),
            "perplexity over chunks of 3 tokens, expected 4 to 100");
}

TEST_F(SessionTest, DivergenceFromItselfIsZeroAndFromAnotherIsNot) {
  Model a = open(path), same = open(path);
  parts.secondMark = 8;
  Model other = open(tiny::write(parts, "other.bin"));
  auto tokens = text(50);
  auto zero = measureDivergence(*a.session, *same.session, tokens, 32);
  ASSERT_TRUE(zero.ok()) << zero.status().message();
  EXPECT_EQ(zero->tokens, 50u);
  EXPECT_EQ(zero->meanKl, 0);
  EXPECT_EQ(zero->nmse, 0);
  EXPECT_EQ(zero->sameTop, 1);
  // A constant on all logits changes no probability, but the NMSE.
  auto moved = measureDivergence(*a.session, *other.session, tokens, 32);
  ASSERT_TRUE(moved.ok());
  EXPECT_NEAR(moved->meanKl, 0, 1e-4);
  EXPECT_GT(moved->nmse, 0);
  EXPECT_EQ(
      measureDivergence(*a.session, *same.session, {}, 32).status().message(),
      "no tokens to compare");
  EXPECT_EQ(measureDivergence(*a.session, *same.session, tokens, 101)
                .status()
                .message(),
            "divergence over pieces of 101 tokens, expected 1 to 100");
  parts.plan.vocabulary = parts.plan.resultWidth = 9;
  Model smaller = open(tiny::write(parts, "smaller.bin"));
  EXPECT_EQ(measureDivergence(*a.session, *smaller.session, tokens, 32)
                .status()
                .message(),
            "models have vocabularies of 10 and 9 tokens, expected the same");
}

TEST(TokenIds, AreReadWithTheirPlaceInErrors) {
  auto ids = parseTokenIds(" 1\n20\t300 ");
  ASSERT_TRUE(ids.ok());
  EXPECT_EQ(*ids, (std::vector<int32_t>{1, 20, 300}));
  EXPECT_TRUE(parseTokenIds("")->empty());
  EXPECT_EQ(parseTokenIds("1 2x").status().message(),
            "token 1 is '2x', expected a number");
  EXPECT_EQ(parseTokenIds("99999999999").status().message(),
            "token 0 is '99999999999', expected a number");
}

} // namespace
