// Checks the sampler against what its options mean, and its randomness against
// published numbers and expected frequencies.
#include "runtime/Sampler.h"

#include "runtime/SampleWeights.h"

#include <algorithm>
#include <cmath>
#include <gtest/gtest.h>
#include <limits>
#include <map>
#include <string>
#include <vector>

namespace sinter {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

/// Everything off: the plain distribution.
SamplerOptions plain() {
  SamplerOptions options;
  options.temperature = 1;
  options.topK = 0;
  options.topP = 1;
  options.minP = 0;
  return options;
}

Sampler make(const SamplerOptions &options) {
  Result<Sampler> sampler = Sampler::create(options);
  EXPECT_TRUE(sampler.ok()) << sampler.status().message();
  return *sampler;
}

int32_t sample(Sampler &sampler, const std::vector<float> &logits) {
  Result<int32_t> token = sampler.sample(logits);
  EXPECT_TRUE(token.ok()) << token.status().message();
  return token.ok() ? *token : -1;
}

std::map<int32_t, int> count(const SamplerOptions &options,
                             const std::vector<float> &logits,
                             int draws = 20000) {
  Sampler sampler = make(options);
  std::map<int32_t, int> counts;
  for (int i = 0; i < draws; ++i)
    ++counts[sample(sampler, logits)];
  return counts;
}

std::vector<float> logarithms(std::initializer_list<double> probabilities) {
  std::vector<float> logits;
  for (double p : probabilities)
    logits.push_back(static_cast<float>(std::log(p)));
  return logits;
}

TEST(Sampler, HasTheDefaultsOfLlamaCpp) {
  SamplerOptions options;
  EXPECT_EQ(options.temperature, 0.8F);
  EXPECT_EQ(options.topK, 40);
  EXPECT_EQ(options.topP, 0.95F);
  EXPECT_EQ(options.minP, 0.05F);
  EXPECT_EQ(options.repeatPenalty, 1.0F);
  EXPECT_EQ(options.repeatLastN, 64);
  EXPECT_EQ(options.presencePenalty, 0.0F);
  EXPECT_EQ(options.frequencyPenalty, 0.0F);
}

TEST(Sampler, IsGreedyAtTemperatureZero) {
  SamplerOptions options;
  options.temperature = 0;
  Sampler sampler = make(options);
  EXPECT_EQ(sample(sampler, {1, 5, 3}), 1);
  EXPECT_EQ(sample(sampler, {1, 5, 3, 5}), 1); // the lowest id of equal ones
  EXPECT_EQ(sample(sampler, {kNone, -kInfinity, -7}), 2);
  EXPECT_EQ(sample(sampler, {0, kInfinity, kInfinity}), 1);
}

TEST(Sampler, DrawsByProbability) {
  auto counts = count(plain(), logarithms({0.5, 0.3, 0.2, 1e-30}));
  EXPECT_NEAR(counts[0], 10000, 400);
  EXPECT_NEAR(counts[1], 6000, 400);
  EXPECT_NEAR(counts[2], 4000, 400);
  EXPECT_EQ(counts[3], 0);
}

TEST(Sampler, TemperatureSharpensAndFlattens) {
  SamplerOptions options = plain();
  options.temperature = 0.5F; // squares the odds
  auto counts = count(options, logarithms({0.75, 0.25}));
  EXPECT_NEAR(counts[0], 18000, 400);
  options.temperature = 1e-6F;
  EXPECT_EQ(count(options, logarithms({0.4, 0.6}), 100).size(), 1U);
}

TEST(Sampler, TopKKeepsTheMostLikely) {
  SamplerOptions options = plain();
  options.topK = 2;
  auto counts = count(options, {1, 3, 2, 3, 2.5F}, 2000);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_TRUE(counts.contains(1) && counts.contains(3));
  options.topK = 1; // of equal ones the lowest id
  EXPECT_EQ(count(options, {3, 3, 3}, 50).begin()->first, 0);
}

TEST(Sampler, TopPKeepsTheFewestThatReachIt) {
  SamplerOptions options = plain();
  options.topP = 0.75F;
  EXPECT_EQ(count(options, logarithms({0.1, 0.5, 0.3, 0.1})).size(), 2U);
  options.topP = 0; // never fewer than one
  EXPECT_EQ(count(options, logarithms({0.1, 0.5, 0.4}), 50).size(), 1U);
}

TEST(Sampler, TopPCountsWhatTopKKept) {
  SamplerOptions options = plain();
  options.topP = 0.6F;
  EXPECT_EQ(count(options, logarithms({0.4, 0.3, 0.3})).size(), 2U);
  options.topK = 2; // 0.4 of 0.7 is less than 0.6, both stay
  EXPECT_EQ(count(options, logarithms({0.4, 0.3, 0.3})).size(), 2U);
  options.topP = 0.57F; // 0.4 of 0.7 is 0.571
  EXPECT_EQ(count(options, logarithms({0.4, 0.3, 0.3})).size(), 1U);
}

TEST(Sampler, MinPIsRelativeToTheMostLikely) {
  SamplerOptions options = plain();
  options.minP = 0.45F;
  EXPECT_EQ(count(options, logarithms({0.5, 0.25, 0.2, 0.05})).size(), 2U);
}

TEST(Sampler, RanksLongTailsAsFarAsNeeded) {
  SamplerOptions options = plain();
  options.topP = 0.9F;
  std::vector<float> logits(600, 1.0F); // equal: the first of them stay
  logits[599] = 1.5F;                   // and the one above them
  auto counts = count(options, logits, 10000);
  EXPECT_TRUE(counts.contains(599));
  EXPECT_NEAR(static_cast<double>(counts.size()), 541, 2);
  EXPECT_NEAR(std::prev(counts.end(), 2)->first, 540, 2);
}

TEST(Sampler, SkipsWhatIsNoNumber) {
  auto counts = count(plain(), {kNone, 0, -kInfinity, 0, kNone}, 1000);
  EXPECT_EQ(counts.size(), 2U);
  EXPECT_TRUE(counts.contains(1) && counts.contains(3));
  EXPECT_EQ(count(plain(), {0, kInfinity, 3}, 50).begin()->first, 1);
  SamplerOptions options;
  EXPECT_EQ(count(options, {0, kInfinity, 3, kNone}, 50).begin()->first, 1);
}

TEST(Sampler, FailsWhereNothingIsANumber) {
  for (const std::vector<float> &logits :
       {std::vector<float>{}, {kNone, kNone}, {-kInfinity, kNone}}) {
    Sampler sampler = make(SamplerOptions());
    Result<int32_t> token = sampler.sample(logits);
    ASSERT_FALSE(token.ok());
    EXPECT_EQ(token.status().code(), Code::Internal);
    EXPECT_EQ(token.status().message(), "none of " +
                                            std::to_string(logits.size()) +
                                            " logits is a number to choose by");
  }
}

TEST(Sampler, PenalisesRepetition) {
  SamplerOptions options;
  options.temperature = 0;
  options.repeatPenalty = 2;
  Sampler repeat = make(options);
  repeat.accept(0);
  repeat.accept(2);
  repeat.accept(99);                             // beyond the row: of no effect
  EXPECT_EQ(sample(repeat, {4, 3, 1}), 1);       // 2, 3, 0.5
  EXPECT_EQ(sample(repeat, {-1, -1.5F, -1}), 1); // -2, -1.5, -2
  options.repeatPenalty = 1;
  options.presencePenalty = 1;
  Sampler presence = make(options);
  presence.accept(0);
  presence.accept(0);
  EXPECT_EQ(sample(presence, {4, 2.5F}), 0);
  EXPECT_EQ(sample(presence, {4, 3.5F}), 1);
  options.frequencyPenalty = 1;
  Sampler frequency = make(options);
  frequency.accept(0);
  frequency.accept(0);
  EXPECT_EQ(sample(frequency, {4, 2}), 1); // 4 - 2 - 1
}

TEST(Sampler, ForgetsWhatIsBeyondTheWindow) {
  SamplerOptions options;
  options.temperature = 0;
  options.presencePenalty = 10;
  options.repeatLastN = 2;
  Sampler sampler = make(options);
  for (int32_t token : {0, 1, 2})
    sampler.accept(token);
  EXPECT_EQ(sample(sampler, {5, 6, 7}), 0);
  options.repeatLastN = -1; // all tokens
  Sampler all = make(options);
  for (int32_t token : {0, 1, 2})
    all.accept(token);
  EXPECT_EQ(sample(all, {5, 6, 7, 0}), 3);
  options.repeatLastN = 0; // off
  Sampler none = make(options);
  none.accept(2);
  EXPECT_EQ(sample(none, {5, 6, 7}), 2);
}

TEST(Sampler, SameSeedSameTokens) {
  std::vector<float> logits;
  for (int i = 0; i < 1000; ++i)
    logits.push_back(static_cast<float>(i * 37 % 101) / 20);
  auto text = [&](uint64_t seed) {
    SamplerOptions options;
    options.seed = seed;
    Sampler sampler = make(options);
    std::vector<int32_t> tokens;
    for (int i = 0; i < 50; ++i)
      tokens.push_back(sample(sampler, logits));
    return tokens;
  };
  EXPECT_EQ(text(1), text(1));
  EXPECT_NE(text(1), text(2));
}

TEST(Sampler, NamesTheFlagThatMakesNoSense) {
  auto expectError = [](auto set, const std::string &message) {
    SamplerOptions options;
    set(options);
    Result<Sampler> sampler = Sampler::create(options);
    ASSERT_FALSE(sampler.ok());
    EXPECT_EQ(sampler.status().code(), Code::InvalidArgument);
    EXPECT_EQ(sampler.status().message().rfind(message, 0), 0U)
        << sampler.status().message();
  };
  expectError([](auto &o) { o.temperature = -1; }, "--temp is -1, expected 0");
  expectError([](auto &o) { o.temperature = kNone; }, "--temp is nan");
  expectError([](auto &o) { o.topP = 1.5F; },
              "--top-p is 1.5, expected 0 to 1");
  expectError([](auto &o) { o.minP = -0.5F; }, "--min-p is -0.5");
  expectError([](auto &o) { o.repeatPenalty = 0; }, "--repeat-penalty is 0");
  expectError([](auto &o) { o.repeatLastN = -2; }, "--repeat-last-n is -2");
  expectError([](auto &o) { o.presencePenalty = kInfinity; },
              "--presence-penalty is inf");
  expectError([](auto &o) { o.frequencyPenalty = kNone; },
              "--frequency-penalty is nan");
}

/// Against the library's, in units of the last place.
TEST(SampleWeights, ExpIsExactEnough) {
  EXPECT_EQ(exactExp(0), 1.0);
  EXPECT_EQ(exactExp(-709), 0.0);
  EXPECT_EQ(exactExp(-kInfinity), 0.0);
  double worst = 0;
  for (double x = 0; x > -700; x -= 0.00317) {
    const double want = std::exp(x);
    worst = std::max(worst, std::abs(exactExp(x) / want - 1) * 0x1p52);
  }
  EXPECT_LE(worst, 2.5);
  EXPECT_GT(worst, 0); // it is not the library's
}

// From the published C code of xoshiro256** and SplitMix64 with seed 0.
TEST(RandomGenerator, GivesThePublishedNumbers) {
  RandomGenerator random(0);
  EXPECT_EQ(random.next(), 0x99EC5F36CB75F2B4U);
  EXPECT_EQ(random.next(), 0xBF6E1F784956452AU);
  EXPECT_EQ(random.next(), 0x1A5F849D4933E6E0U);
  for (int i = 0; i < 1000; ++i) {
    double unit = random.nextUnit();
    EXPECT_TRUE(unit >= 0 && unit < 1);
  }
}

} // namespace
} // namespace sinter
