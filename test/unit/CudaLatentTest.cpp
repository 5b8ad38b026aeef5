/// Runs the CUDA kernels of multi-head latent attention on an emulated device
/// against the same in plain C++: two sequences whose pages lie anywhere, in
/// one step and token by token.
#include "test/unit/EmulatedKernels.h"
#include "test/unit/RandomMatrix.h"

#include <fmt/format.h>

using namespace sinter;
using namespace sinter::test;

namespace {

constexpr unsigned kTokens = 40, kHeads = 6, kRank = 40, kRotary = 8;
constexpr unsigned kWidth = kRank + kRotary, kPage = 16, kPages = 5;
constexpr float kScale = 0.25f;

std::vector<float> normal(size_t count, unsigned seed) {
  std::vector<float> values(count);
  fillNormal(values.data(), count, seed);
  return values;
}

/// Sequence 1 with 25 tokens, then sequence 0 with 15.
struct Step {
  std::vector<int32_t> slots, positions, table = {4, -1, 2, 0};
  std::vector<float> latent = normal(kTokens * kRank, 1),
                     rotated = normal(kTokens * kRotary, 2),
                     queries = normal(kTokens * kHeads * kRank, 3),
                     rotatedQueries = normal(kTokens * kHeads * kRotary, 4),
                     cache = std::vector<float>(kPages * kPage * kWidth),
                     output = std::vector<float>(kTokens * kHeads * kRank);

  Step() {
    for (int32_t i = 0; i < int32_t(kTokens); ++i) {
      slots.push_back(i < 25);
      positions.push_back(i < 25 ? i : i - 25);
    }
  }
  void allow(EmulatedKernels &kernels) {
    kernels.reset();
    for (std::vector<int32_t> *part : {&slots, &positions, &table})
      kernels.allow("batch's", part->data(), part->size() * 4);
    for (std::vector<float> *part :
         {&latent, &rotated, &queries, &rotatedQueries})
      kernels.allow("rows", part->data(), part->size() * 4);
    kernels.allow("cache", cache.data(), cache.size() * 4, /*undefined=*/true);
    kernels.allow("output", output.data(), output.size() * 4);
  }
  Batch batch(unsigned first, unsigned count) const {
    Batch batch = {};
    batch.tokens = int32_t(count);
    batch.slots = slots.data() + first;
    batch.positions = positions.data() + first;
    batch.blockTable = table.data();
    batch.blockStride = 2;
    return batch;
  }
  void write(EmulatedKernels &kernels, unsigned first, unsigned count) {
    kernels.run(
        "latent_write",
        {&latent[first * kRank], &rotated[first * kRotary], cache.data()},
        batch(first, count), count);
  }
  void attend(EmulatedKernels &kernels, unsigned first, unsigned count) {
    kernels.run("attend",
                {&queries[first * kHeads * kRank],
                 &rotatedQueries[first * kHeads * kRotary], cache.data(),
                 &output[first * kHeads * kRank]},
                batch(first, count), kHeads / 3 * ((count + 1) / 2));
  }
};

std::string latentKernels() {
  return fmt::format(
      "tile.kernel @latent_write #tile.latent_write<rank = {0}, rotary = {1}, "
      "latentStride = {0}, rotatedStride = {1}, cacheF16 = false, pageTokens = "
      "{2}> {{}}\n"
      "tile.kernel @attend #tile.latent_attention<heads = {3}, sharing = 3, "
      "rank = {0}, rotary = {1}, scale = 0.25 : f64, latentStride = {4}, "
      "rotatedStride = {5}, output = <width = {4}, stride = {4}>, cacheF16 = "
      "false, pageTokens = {2}> config <tokens = 2> {{}}\n",
      kRank, kRotary, kPage, kHeads, kHeads * kRank, kHeads * kRotary);
}

std::vector<double> expected(const Step &step, unsigned token, unsigned head) {
  unsigned first = step.slots[token] ? 0 : 25;
  std::vector<double> weights, result(kRank);
  double sum = 0;
  for (unsigned key = first; key <= token; ++key) {
    double dot = 0;
    for (unsigned i = 0; i < kRank; ++i)
      dot += double(step.queries[(token * kHeads + head) * kRank + i]) *
             step.latent[key * kRank + i];
    for (unsigned i = 0; i < kRotary; ++i)
      dot +=
          double(step.rotatedQueries[(token * kHeads + head) * kRotary + i]) *
          step.rotated[key * kRotary + i];
    weights.push_back(std::exp(dot * kScale));
    sum += weights.back();
  }
  for (unsigned key = first; key <= token; ++key)
    for (unsigned i = 0; i < kRank; ++i)
      result[i] += weights[key - first] / sum * step.latent[key * kRank + i];
  return result;
}

TEST(CudaLatent, AttentionOverCachedRows) {
  EmulatedKernels kernels(latentKernels());
  ASSERT_EQ(kernels.error, "");
  Step step;
  step.allow(kernels);
  step.write(kernels, 0, kTokens);
  step.attend(kernels, 0, kTokens);
  for (unsigned token = 0; token < kTokens; ++token)
    for (unsigned head = 0; head < kHeads; ++head) {
      std::vector<double> want = expected(step, token, head);
      for (unsigned i = 0; i < kRank; ++i)
        ASSERT_NEAR(step.output[(token * kHeads + head) * kRank + i], want[i],
                    1e-5)
            << "token " << token << " head " << head << " column " << i;
    }
  Step single;
  single.allow(kernels);
  for (unsigned token = 0; token < kTokens; ++token) {
    kernels.seed(token);
    single.write(kernels, token, 1);
    single.attend(kernels, token, 1);
  }
  EXPECT_EQ(single.output, step.output);
}

/// Each head's columns times the matrix of the head.
TEST(CudaLatent, ProductsByHead) {
  constexpr unsigned kRows = 32, kColumns = 64, kInput = kHeads * kColumns;
  for (const char *name : {"f16", "q8_0"}) {
    SCOPED_TRACE(name);
    const Format &format = *findFormat(name);
    bool plain = format.form.family == Family::Plain;
    unsigned sums = plain ? 0 : sumsFor(format.form);
    EmulatedKernels kernels(fmt::format(
        "tile.kernel @product #tile.head_gemm<format = \"{}\", heads = {}, "
        "weightRows = {}, input = <width = {}, {}>, output = <width = {}, "
        "stride = {}>> config <rowGroups = 1, tokens = 4> {{}}\n"
        "tile.kernel @quantize #tile.elementwise<[{}] -> <width = {}, q8 = "
        "true, sums = {}>> config <columns = 256> {{}}",
        name, kHeads, kRows, kInput,
        plain ? fmt::format("stride = {}", kInput)
              : fmt::format("q8 = true, sums = {}", sums),
        kHeads * kRows, kHeads * kRows, kInput, kInput, sums));
    ASSERT_EQ(kernels.error, "");
    Matrix matrix(format, kHeads * kRows, kColumns);
    std::vector<float> floats = normal(kTokens * kInput, 5);
    Q8Layout layout = Q8Layout::of(kInput, sums);
    std::vector<std::byte> codes(kTokens * layout.rowBytes);
    std::vector<float> output(kTokens * kHeads * kRows);
    kernels.allow("floats", floats.data(), floats.size() * 4);
    kernels.allow("codes", codes.data(), codes.size(), /*undefined=*/true);
    kernels.allow("weights", matrix.packed.data(), matrix.packed.size() - 64);
    kernels.allow("output", output.data(), output.size() * 4, true);
    Batch batch = {};
    batch.tokens = kTokens;
    kernels.run("quantize", {floats.data(), codes.data()}, batch, kTokens * 2);
    kernels.run("product",
                {plain ? static_cast<void *>(floats.data()) : codes.data(),
                 matrix.packed.data(), output.data()},
                batch, kHeads * 2);
    for (unsigned i = 0; i < output.size(); ++i) {
      unsigned token = i / (kHeads * kRows), row = i % (kHeads * kRows);
      std::vector<double> x =
          plain ? std::vector<double>(&floats[token * kInput],
                                      &floats[token * kInput] + kInput)
                : readQ8(&codes[token * layout.rowBytes], layout);
      double sum = 0;
      for (unsigned k = 0; k < kColumns; ++k)
        sum += x[row / kRows * kColumns + k] * matrix.exact[row * kColumns + k];
      ASSERT_NEAR(output[i], sum, 1e-3) << "token " << token << " row " << row;
    }
  }
}

TEST(CudaLatent, HeadsOfTwoParts) {
  constexpr unsigned kFirst = 20, kSecond = 10;
  for (bool shared : {false, true}) {
    unsigned stride = shared ? kSecond : kHeads * kSecond;
    EmulatedKernels kernels(fmt::format(
        "tile.kernel @join #tile.join_heads<heads = {}, first = {}, second = "
        "{}, firstStride = {}, secondStride = {}, shared = {}> {{}}",
        kHeads, kFirst, kSecond, kHeads * kFirst, stride, shared));
    ASSERT_EQ(kernels.error, "");
    std::vector<float> first = normal(kTokens * kHeads * kFirst, 1);
    std::vector<float> second = normal(kTokens * stride, 2);
    std::vector<float> output(kTokens * kHeads * (kFirst + kSecond));
    kernels.allow("first", first.data(), first.size() * 4);
    kernels.allow("second", second.data(), second.size() * 4);
    kernels.allow("output", output.data(), output.size() * 4, true);
    Batch batch = {};
    batch.tokens = kTokens;
    kernels.run("join", {first.data(), second.data(), output.data()}, batch,
                kTokens * kHeads);
    for (unsigned i = 0; i < output.size(); ++i) {
      unsigned head = i / (kFirst + kSecond), column = i % (kFirst + kSecond);
      unsigned own = shared ? head / kHeads : head;
      ASSERT_EQ(output[i], column < kFirst
                               ? first[head * kFirst + column]
                               : second[own * kSecond + column - kFirst]);
    }
  }
}

TEST(CudaLatent, RefusalsNameKernelAndReason) {
  auto expectRefusal = [](const std::string &op, const std::string &message) {
    EXPECT_EQ(EmulatedKernels("tile.kernel @k " + op + " {}").error,
              "kernel 'k': " + message);
  };
  auto attention = [](unsigned sharing, unsigned rank, const char *output) {
    return fmt::format("#tile.latent_attention<heads = 8, sharing = {}, rank = "
                       "{}, rotary = 8, scale = 1.0 : f64, latentStride = 1, "
                       "rotatedStride = 1, output = <width = 64, {}>>",
                       sharing, rank, output);
  };
  expectRefusal(attention(3, 32, "stride = 64"),
                "8 heads of which 3 share an item");
  expectRefusal(attention(8, 40, "q8 = true"),
                "8-bit output of heads 40 wide; expected a multiple of 32");
  expectRefusal(attention(8, 4096, "stride = 64"),
                "8 heads of 4104 columns need 133408 bytes of shared memory; "
                "expected at most 49152");
  expectRefusal("#tile.head_gemm<format = \"f32\", heads = 2, weightRows = 8, "
                "input = <width = 64, stride = 64>, output = <width = 16, "
                "stride = 16>> config <rowGroups = 1>",
                "heads of 32 columns times 8 rows; expected multiples of 16 "
                "rows, and of 32 columns where they are 8-bit");
}

} // namespace
