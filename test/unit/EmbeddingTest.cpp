/// Tests that texts get the same rows however they share steps, and that a
/// model which reads texts whole is never given a part of one.
#include "runtime/Embedding.h"

#include "runtime/Evaluation.h"
#include "test/unit/TinyArtifact.h"

#include <gtest/gtest.h>

#include <cmath>

using namespace sinter;

namespace {

using Texts = std::vector<std::vector<int32_t>>;

class EmbeddingTest : public ::testing::Test {
protected:
  void SetUp() override {
    if (tiny::kernels().empty())
      GTEST_SKIP() << "no C compiler (cc) to make kernels with";
    parts.kernels = tiny::kernels();
    parts.plan.result = ResultKind::Embedding;
    parts.plan.rows = ResultRows::Sequences;
    parts.plan.wholeSequences = true;
    parts.plan.positions = tiny::kContext;
  }

  Session &open(SessionOptions options = {}) {
    auto opened = Artifact::open(tiny::write(parts, "embedding.bin"));
    EXPECT_TRUE(opened.ok()) << opened.status().message();
    artifact = std::make_unique<Artifact>(std::move(*opened));
    auto made = Session::create(*artifact, options);
    EXPECT_TRUE(made.ok()) << made.status().message();
    session = std::move(*made);
    return *session;
  }

  /// The first number of each row.
  std::vector<float> firsts(Session &session, const Texts &texts) {
    std::vector<float> found;
    Status status = visitRows(
        session, texts, [&](size_t index, std::span<const float> rows) {
          EXPECT_EQ(rows.size() % session.resultWidth(), 0u);
          last = index;
          for (size_t at = 0; at < rows.size(); at += session.resultWidth())
            found.push_back(rows[at]);
          return Status();
        });
    EXPECT_TRUE(status.ok()) << status.message();
    return found;
  }

  std::string refused(Session &session, const Texts &texts) {
    return visitRows(session, texts,
                     [](size_t, std::span<const float>) { return Status(); })
        .message();
  }

  tiny::Parts parts;
  std::unique_ptr<Artifact> artifact;
  std::unique_ptr<Session> session;
  size_t last = 0;
};

/// What the tiny model says of a text.
float expected(std::span<const int32_t> tokens) {
  float sum =
      float(std::cos(double(tokens.size() - 1) * double(tiny::kFrequency)));
  for (int32_t id : tokens)
    sum += tiny::embedding(id);
  return sum;
}

const Texts kTexts = {{1, 2, 3}, {4}, {5, 6, 7, 8, 9, 1}, {2, 3}, {3, 3, 3}};

} // namespace

TEST_F(EmbeddingTest, RowsDoNotDependOnTheStep) {
  std::vector<float> alone;
  for (uint32_t sequences : {1u, 2u, 16u}) {
    Session &session = open({.maxSequences = sequences});
    std::vector<float> rows = firsts(session, kTexts);
    ASSERT_EQ(rows.size(), kTexts.size());
    EXPECT_EQ(last, kTexts.size() - 1);
    if (alone.empty())
      alone = rows;
    EXPECT_EQ(rows, alone) << sequences << " sequences";
    for (size_t i = 0; i < rows.size(); ++i)
      EXPECT_NEAR(rows[i], expected(kTexts[i]), 1e-3) << i;
    EXPECT_EQ(session.length(0), 0u) << "slots are empty again";
  }
}

TEST_F(EmbeddingTest, EachTokenHasARowWhereNothingIsPooled) {
  parts.plan.rows = ResultRows::Tokens;
  std::vector<float> rows = firsts(open({.maxSequences = 3}), kTexts);
  std::vector<float> wanted;
  for (const std::vector<int32_t> &text : kTexts)
    for (size_t end = 1; end <= text.size(); ++end)
      wanted.push_back(expected(std::span(text).first(end)));
  ASSERT_EQ(rows.size(), wanted.size());
  for (size_t i = 0; i < rows.size(); ++i)
    EXPECT_NEAR(rows[i], wanted[i], 1e-3) << i;
}

TEST_F(EmbeddingTest, LongTextsNeedOneStepOnlyWhereTheyAreReadWhole) {
  const Texts texts = {{1, 2, 3, 4, 5, 6, 7, 8, 9}};
  EXPECT_EQ(refused(open(), texts),
            "text 1: text of 9 tokens does not fit into a step of 8, and the "
            "model reads a text whole (compile --chunk makes the largest "
            "step)");
  parts.plan.wholeSequences = false;
  std::vector<float> rows = firsts(open(), texts);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_NEAR(rows[0], expected(texts.front()), 1e-3);
  parts.plan.rows = ResultRows::Tokens;
  EXPECT_EQ(refused(open(), texts),
            "text 1 has 9 tokens, expected up to 8 where each token has a row");
  EXPECT_EQ(refused(open(), {{1}, {}}), "text 2 has no tokens");
}

TEST_F(EmbeddingTest, StepsTakeWholeTextsOnly) {
  Session &session = open();
  const int32_t tokens[] = {1, 2}, positions[] = {0, 1}, slots[] = {0, 0};
  const int32_t first[] = {0}, second[] = {1};
  EXPECT_EQ(session.step({tokens, positions, slots, first}).status().message(),
            "output row 0 is in the middle of sequence 0, but the model gives "
            "one row for each");
  EXPECT_TRUE(session.step({tokens, positions, slots, second}).ok());
  const int32_t next[] = {2};
  EXPECT_EQ(session
                .step({std::span(tokens).first(1), next,
                       std::span(slots).first(1), first})
                .status()
                .message(),
            "sequence 0 holds 2 tokens, but the model reads a sequence whole, "
            "in one step");
}

TEST_F(EmbeddingTest, NoMorePositionsThanTheModelKnows) {
  open();
  auto made = Session::create(*artifact, {.contextLength = 101});
  EXPECT_EQ(made.status().message(), "context of 101 tokens asked for, the "
                                     "model knows 100 positions");
}

TEST_F(EmbeddingTest, ThereAreNoLogits) {
  Status status =
      visitLogits(open(), std::vector<int32_t>{1}, 0,
                  [](size_t, std::span<const float>) { return Status(); });
  EXPECT_EQ(status.message(),
            "the model gives no logits, but embeddings or scores (eval "
            "embeddings writes them)");
}

TEST(NormaliseTest, LengthIsOneOrNothing) {
  std::vector<float> row = {3, 0, -4}, zero = {0, 0};
  normalise(row);
  EXPECT_EQ(row, (std::vector<float>{0.6f, 0, -0.8f}));
  EXPECT_FLOAT_EQ(dotProduct(row, row), 1);
  normalise(zero);
  EXPECT_EQ(zero, (std::vector<float>{0, 0}));
}

TEST(EncodePairTest, TokensStandBetweenAndAroundTheTwo) {
  Vocabulary vocabulary = tiny::letters();
  auto ids = [&](std::string_view text, std::string_view query) {
    auto tokenizer = Tokenizer::create(vocabulary);
    EXPECT_TRUE(tokenizer.ok()) << tokenizer.status().message();
    auto pair = encodePair(*tokenizer, text, query, "b");
    EXPECT_TRUE(pair.ok()) << pair.status().message();
    return *pair;
  };
  using Ids = std::vector<int32_t>;
  vocabulary.addBos = vocabulary.addEos = false;
  EXPECT_EQ(ids("", "a"), (Ids{0, 1}));
  vocabulary.bos = 2;
  vocabulary.eos = vocabulary.sep = 3;
  vocabulary.addBos = vocabulary.addEos = true;
  EXPECT_EQ(ids("", "a"), (Ids{2, 0, 3, 3, 1, 3}));
  vocabulary.addBos = vocabulary.addEos = false;
  EXPECT_EQ(ids("c{document}d{query}", "a"), (Ids{2, 1, 3, 0}));
}
