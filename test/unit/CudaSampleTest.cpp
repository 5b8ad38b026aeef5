/// Runs the kernel that chooses tokens on an emulated device: for the same
/// logits and choice its token is that of TokenChooser, or it leaves the row to
/// the host, and only where it has to.
#include "runtime/TokenChooser.h"
#include "test/unit/EmulatedKernels.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

using namespace sinter;
using namespace sinter::test;

namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNone = std::numeric_limits<float>::quiet_NaN();

/// The kernel for a vocabulary.
class Device {
public:
  explicit Device(unsigned vocabulary)
      : vocabulary_(vocabulary), kernels_(module(vocabulary)) {
    EXPECT_EQ(kernels_.error, "");
  }

  /// A token for each row.
  std::vector<int32_t> choose(const std::vector<float> &logits,
                              const std::vector<TokenChoice> &choices) {
    std::vector<int32_t> tokens(choices.size());
    EXPECT_EQ(logits.size(), choices.size() * vocabulary_);
    kernels_.reset();
    kernels_.allow("logits", logits.data(), logits.size() * 4);
    kernels_.allow("choices", choices.data(),
                   choices.size() * sizeof(TokenChoice));
    kernels_.allow("tokens", tokens.data(), tokens.size() * 4, true);
    Batch batch = {};
    batch.outputRows = int32_t(choices.size());
    // As many blocks as a larger step would have: they touch nothing.
    kernels_.run("sample",
                 {const_cast<float *>(logits.data()),
                  const_cast<TokenChoice *>(choices.data()), tokens.data()},
                 batch, int64_t(choices.size()) + 2);
    return tokens;
  }

  void seed(uint64_t seed) { kernels_.seed(seed); }

private:
  static std::string module(unsigned vocabulary) {
    return fmt::format(
        R"(module attributes {{
             sinter.target = #sinter.target<level = "sm_121a", features = "",
               cores = 48, l1 = 102400, l2 = 524288, l3 = 25165824,
               prefetch = 0>,
             sinter.model = #sinter.model<family = "x", layers = 1,
               attention = 1, ffn = 1, hidden = 256, vocabulary = {},
               trainedContext = 128, counts = {{}}>}} {{}})",
        vocabulary);
  }

  unsigned vocabulary_;
  EmulatedKernels kernels_;
};

/// Every row on both; how many the device left to the host.
unsigned compare(Device &device, const std::vector<float> &logits,
                 const std::vector<TokenChoice> &choices) {
  const size_t width = logits.size() / choices.size();
  const std::vector<int32_t> tokens = device.choose(logits, choices);
  TokenChooser chooser;
  unsigned left = 0;
  for (size_t i = 0; i < choices.size(); ++i) {
    auto want =
        chooser.choose(std::span(logits).subspan(i * width, width), choices[i]);
    if (tokens[i] == kLeftToHost) {
      ++left;
      continue;
    }
    EXPECT_TRUE(want.ok());
    EXPECT_EQ(tokens[i], want.ok() ? *want : -2)
        << "row " << i << ": chance " << choices[i].chance << " temperature "
        << choices[i].temperature << " top-k " << choices[i].topK << " top-p "
        << choices[i].topP << " min-p " << choices[i].minP;
  }
  return left;
}

/// Choices of all kinds, drawn at random.
std::vector<TokenChoice> someChoices(size_t count, std::mt19937 &random) {
  auto pick = [&](std::initializer_list<float> values) {
    return std::data(values)[random() % values.size()];
  };
  std::vector<TokenChoice> choices;
  for (size_t i = 0; i < count; ++i)
    choices.push_back({std::uniform_real_distribution<double>()(random),
                       pick({0, 0.3f, 0.8f, 1, 2.5f}),
                       pick({0, 0.5f, 0.95f, 1, 1}), pick({0, 0, 0.05f, 0.5f}),
                       int32_t(pick({0, 1, 2, 40, 300, 512, 1e6f}))});
  return choices;
}

/// Rows as models have them, with many ties, in few values, or hostile.
std::vector<float> someLogits(size_t rows, size_t width, std::mt19937 &random) {
  std::vector<float> logits;
  std::normal_distribution<float> normal(0, 3);
  for (size_t row = 0; row < rows; ++row)
    for (size_t i = 0; i < width; ++i) {
      const float value = normal(random);
      switch (row % 5) {
      case 0:
      case 1:
        logits.push_back(value);
        break;
      case 2: // ties, zeros of both signs among them
        logits.push_back(std::nearbyint(value) / 2);
        break;
      case 3:
        logits.push_back(random() % 9 ? -kInfinity : value);
        break;
      case 4:
        logits.push_back(random() % 7 ? value : kNone);
      }
    }
  return logits;
}

TEST(CudaSample, ChoosesAsTheHostDoes) {
  std::mt19937 random(1);
  constexpr size_t kRows = 60;
  for (unsigned width : {1u, 7u, 1000u, 1024u, 5000u}) {
    Device device(width);
    const auto logits = someLogits(kRows, width, random);
    const auto choices = someChoices(kRows, random);
    device.seed(width);
    const unsigned left = compare(device, logits, choices);
    unsigned empty = 0; // rows without a number, which fail on the host
    for (size_t row = 0; row < kRows; ++row)
      empty += std::none_of(logits.begin() + row * width,
                            logits.begin() + (row + 1) * width,
                            [](float x) { return x > -kInfinity; });
    EXPECT_GE(left, empty) << width;
    EXPECT_LE(left, empty + (width > 1024 ? kRows / 3 : 0)) << width;
  }
}

/// Top-k to 512 and greedy are never left to the host, whatever the logits
/// are, as long as ties at the edge are not too many to rank.
TEST(CudaSample, UsualChoicesAreTheDevices) {
  std::mt19937 random(2);
  Device device(30000);
  std::normal_distribution<float> normal(0, 3);
  std::vector<float> logits(4 * 30000);
  for (float &logit : logits)
    logit = normal(random);
  EXPECT_EQ(compare(device, logits,
                    {{0.7, 0.8f, 0.95f, 0.05f, 40},
                     {0.2, 0, 1, 0, 0},
                     {0.999, 1.5f, 1, 0, 512},
                     {0.5, 1, 1, 0, 0}}),
            0u);
  // Min-p alone, over a row whose likely tokens are few.
  for (size_t i = 0; i < 30000; ++i)
    logits[i] -= i == 77 ? -20 : 0;
  EXPECT_EQ(compare(device, logits,
                    {{0.4, 1, 1, 0.05f, 0},
                     {0.6, 1, 0.5f, 0.05f, 0},
                     {0.9, 0.1f, 0.9f, 0, 100},
                     {0, 2, 1, 0, 1}}),
            0u);
}

TEST(CudaSample, LeavesToTheHostWhatItCannotRank) {
  Device device(5000);
  // All alike: 5000 tokens reach what the 40th thread has.
  std::vector<float> logits(5 * 5000, 1.0f);
  std::fill(logits.begin() + 4 * 5000, logits.end(), kNone);
  const std::vector<int32_t> tokens =
      device.choose(logits, {{0.5, 1, 1, 0, 40},
                             {0.5, 1, 0.9f, 0, 0},
                             {0.5, 1, 1, 0, 2000},
                             {0.5, 0, 1, 0, 0},
                             {0.5, 0, 1, 0, 0}});
  EXPECT_EQ(tokens, std::vector<int32_t>({kLeftToHost, kLeftToHost, kLeftToHost,
                                          0, kLeftToHost}));
}

/// Both of the greatest may be infinite, and one token weighs everything.
TEST(CudaSample, InfiniteLogits) {
  Device device(100);
  std::vector<float> logits(2 * 100, 0.0f);
  logits[60] = logits[70] = logits[160] = kInfinity;
  EXPECT_EQ(compare(device, logits, {{0.6, 1, 1, 0, 0}, {0.6, 1, 0.9f, 0, 5}}),
            0u);
}

} // namespace
