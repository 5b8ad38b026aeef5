/// Runs the gated delta rule in chunks on an emulated device against its
/// definition in double, and cut into steps in several ways, which must not
/// change a bit.
#include "test/unit/EmulatedKernels.h"
#include "test/unit/RandomMatrix.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

using namespace sinter;
using namespace sinter::test;

namespace {

constexpr unsigned kSequences = 2, kTokens = 39; ///< of each
constexpr unsigned kChunk = tile::kScanChunk;

struct Sizes {
  const char *name;
  bool grouped;
  unsigned keyHeads, valueHeads, keyWidth, valueWidth;

  unsigned keys() const { return keyHeads * keyWidth; }
  unsigned values() const { return valueHeads * valueWidth; }
  unsigned stride() const { return 2 * keys() + values() + 3; }
  unsigned rows() const {
    unsigned kept = kChunk * (keyWidth + valueWidth + 1);
    return keyWidth + (kept + valueWidth - 1) / valueWidth;
  }
  unsigned slot() const { return valueHeads * rows() * valueWidth; }

  std::string kernel(bool inPlace, unsigned chunk = kChunk,
                     bool delta = true) const {
    return fmt::format(
        "tile.kernel @{}{} #tile.scan<delta = {}, keyHeads = {}, valueHeads = "
        "{}, keyWidth = {}, valueWidth = {}, mixedStride = {}, alphaStride = "
        "{}, betaStride = {}, epsilon = 1.0e-6 : f64, grouped = {}, inPlace = "
        "{}, chunk = {}, stateRows = {}> {{}}\n",
        name, inPlace ? "" : "_rows", delta, keyHeads, valueHeads, keyWidth,
        valueWidth, stride(), valueHeads, valueHeads, grouped, inPlace, chunk,
        rows());
  }
};

constexpr Sizes kSizes[] = {{"wide", true, 1, 2, 128, 128},
                            {"narrow", false, 2, 4, 48, 24}};

std::vector<float> normal(size_t count, unsigned seed) {
  std::vector<float> values(count);
  fillNormal(values.data(), count, seed);
  return values;
}

/// Rows of all tokens: those of a sequence follow each other.
struct Data {
  explicit Data(const Sizes &s)
      : mixed(normal(kSequences * kTokens * s.stride(), 1)),
        alpha(normal(kSequences * kTokens * s.valueHeads, 2)),
        beta(normal(kSequences * kTokens * s.valueHeads, 3)),
        decay(s.valueHeads), bias(normal(s.valueHeads, 5)) {
    for (unsigned head = 0; head < s.valueHeads; ++head)
      decay[head] = -0.02f - 0.1f * float(head);
  }
  std::vector<float> mixed, alpha, beta, decay, bias;
};

/// The definition: token by token, in double.
std::vector<double> expected(const Sizes &s, const Data &data) {
  std::vector<double> output(kSequences * kTokens * s.values());
  auto normed = [](const float *from, unsigned count, double factor) {
    double sum = 1e-6;
    for (unsigned i = 0; i < count; ++i)
      sum += double(from[i]) * from[i];
    std::vector<double> to(from, from + count);
    for (double &x : to)
      x *= factor / std::sqrt(sum);
    return to;
  };
  for (unsigned head = 0; head < s.valueHeads; ++head)
    for (unsigned sequence = 0; sequence < kSequences; ++sequence) {
      std::vector<double> state(s.keyWidth * s.valueWidth);
      for (unsigned t = 0; t < kTokens; ++t) {
        const unsigned token = sequence * kTokens + t;
        const float *row = &data.mixed[token * s.stride()];
        const unsigned keyHead =
            s.grouped ? head / (s.valueHeads / s.keyHeads) : head % s.keyHeads;
        auto q = normed(row + keyHead * s.keyWidth, s.keyWidth,
                        1 / std::sqrt(double(s.keyWidth)));
        auto k = normed(row + s.keys() + keyHead * s.keyWidth, s.keyWidth, 1);
        const unsigned own = token * s.valueHeads + head;
        double decay = std::exp(
            data.decay[head] *
            std::log1p(std::exp(double(data.alpha[own]) + data.bias[head])));
        double rate = 1 / (1 + std::exp(-double(data.beta[own])));
        for (unsigned c = 0; c < s.valueWidth; ++c) {
          double known = 0, result = 0;
          for (unsigned i = 0; i < s.keyWidth; ++i)
            known += k[i] * decay * state[i * s.valueWidth + c];
          double v = row[2 * s.keys() + head * s.valueWidth + c];
          for (unsigned i = 0; i < s.keyWidth; ++i) {
            double &number = state[i * s.valueWidth + c];
            number = decay * number + k[i] * (v - known) * rate;
            result += q[i] * number;
          }
          output[token * s.values() + head * s.valueWidth + c] = result;
        }
      }
    }
  return output;
}

/// What steps of so many tokens of each sequence give, the last size again and
/// again; states as rows if not `inPlace`.
std::vector<float> run(EmulatedKernels &kernels, const Sizes &s, Data &data,
                       std::vector<unsigned> sizes, bool inPlace) {
  std::vector<float> output(kSequences * kTokens * s.values());
  // Nobody may read what nobody wrote.
  std::vector<float> pool(kSequences * s.slot(),
                          std::numeric_limits<float>::quiet_NaN());
  unsigned done = 0;
  for (size_t step = 0; done < kTokens; ++step) {
    const unsigned count =
        std::min(sizes[std::min(step, sizes.size() - 1)], kTokens - done);
    const unsigned tokens = kSequences * count;
    std::vector<float> mixed, alpha, beta, result(tokens * s.values());
    std::vector<int32_t> slots, positions;
    for (unsigned sequence = 0; sequence < kSequences; ++sequence)
      for (unsigned t = done; t < done + count; ++t) {
        const unsigned token = sequence * kTokens + t;
        auto take = [&](std::vector<float> &to, const std::vector<float> &from,
                        unsigned width) {
          to.insert(to.end(), &from[token * width],
                    &from[token * width] + width);
        };
        take(mixed, data.mixed, s.stride());
        take(alpha, data.alpha, s.valueHeads);
        take(beta, data.beta, s.valueHeads);
        slots.push_back(int32_t(kSequences - 1 - sequence));
        positions.push_back(int32_t(t));
      }
    // As a load gives them: zeros before a sequence's first token.
    std::vector<float> before(inPlace ? 0 : tokens * s.slot());
    std::vector<float> behind(before.size());
    for (unsigned sequence = 0; !inPlace && done && sequence < kSequences;
         ++sequence)
      std::copy_n(&pool[(kSequences - 1 - sequence) * s.slot()], s.slot(),
                  &before[sequence * count * s.slot()]);
    kernels.reset();
    kernels.seed(step);
    for (std::vector<float> *part :
         {&mixed, &alpha, &beta, &data.decay, &data.bias, &pool, &before,
          &behind, &result})
      if (!part->empty())
        kernels.allow("scan's", part->data(), part->size() * 4);
    kernels.allow("slots", slots.data(), tokens * 4);
    kernels.allow("positions", positions.data(), tokens * 4);
    Batch batch = {};
    batch.tokens = int32_t(tokens);
    batch.slots = slots.data();
    batch.positions = positions.data();
    std::vector<void *> operands = {mixed.data(), alpha.data(), beta.data(),
                                    data.decay.data(), data.bias.data()};
    if (!inPlace)
      operands.push_back(before.data());
    operands.push_back(inPlace ? pool.data() : behind.data());
    operands.push_back(result.data());
    kernels.run(s.name + std::string(inPlace ? "" : "_rows"), operands, batch,
                tokens * s.valueHeads);
    for (unsigned sequence = 0; sequence < kSequences; ++sequence) {
      std::copy_n(&result[sequence * count * s.values()], count * s.values(),
                  &output[(sequence * kTokens + done) * s.values()]);
      if (!inPlace)
        std::copy_n(&behind[sequence * count * s.slot()], s.slot(),
                    &pool[(kSequences - 1 - sequence) * s.slot()]);
    }
    done += count;
  }
  kernels.seed(0);
  return output;
}

/// One step or many: the same bits, near the definition. Factors that are
/// rounded to 11 bits err by 2^-12 / sqrt(3) of themselves on average, so that
/// a product of two of them has 4e-8 of its square as error.
TEST(CudaChunkedScan, StepsOfAnySizeGiveTheSameBits) {
  std::string text;
  for (const Sizes &s : kSizes)
    text += s.kernel(true) + s.kernel(false);
  EmulatedKernels kernels(text);
  ASSERT_EQ(kernels.error, "");
  for (const Sizes &s : kSizes) {
    SCOPED_TRACE(s.name);
    Data data(s);
    const std::vector<double> want = expected(s, data);
    const std::vector<float> whole = run(kernels, s, data, {kTokens}, true);
    double error = 0, power = 0;
    for (size_t i = 0; i < want.size(); ++i) {
      error += (whole[i] - want[i]) * (whole[i] - want[i]);
      power += want[i] * want[i];
    }
    EXPECT_LT(error / power, 4e-7);
    EXPECT_GT(error / power, 1e-10); // it is TF32 that is emulated
    for (const std::vector<unsigned> &sizes :
         {std::vector<unsigned>{1}, {16}, {7}, {5, 11, 1, 1, 17}, {15, 2, 30}})
      EXPECT_EQ(run(kernels, s, data, sizes, true), whole) << sizes[0];
    for (const std::vector<unsigned> &sizes :
         {std::vector<unsigned>{kTokens}, {9}, {1, 20, 11}})
      EXPECT_EQ(run(kernels, s, data, sizes, false), whole) << sizes[0];
  }
}

/// What the skeleton cannot do is refused when it is printed.
TEST(CudaChunkedScan, RefusesWhatItCannotDo) {
  auto errorOf = [](const std::string &kernel) {
    return EmulatedKernels(kernel).error;
  };
  const std::string expects =
      "; expected delta nets of multiples of 16 by 8, up to 128 each, in "
      "chunks of 16";
  EXPECT_EQ(errorOf(Sizes{"odd", true, 1, 1, 24, 24}.kernel(true)),
            "kernel 'odd': delta nets of 24 by 24 in chunks of 16" + expects);
  EXPECT_EQ(errorOf(Sizes{"large", true, 1, 1, 16, 136}.kernel(true)),
            "kernel 'large': delta nets of 16 by 136 in chunks of 16" +
                expects);
  EXPECT_EQ(errorOf(kSizes[1].kernel(true, 32)),
            "kernel 'narrow': delta nets of 48 by 24 in chunks of 32" +
                expects);
  EXPECT_EQ(errorOf(kSizes[1].kernel(true, 16, /*delta=*/false)),
            "kernel 'narrow': state spaces of 48 by 24 in chunks of 16" +
                expects);
}

} // namespace
