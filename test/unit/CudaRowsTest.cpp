/// Runs the CUDA kernels that work row by row on an emulated device against the
/// same in plain C++: pools, softmax, norms with gates or without weights,
/// columns of heads.
#include "test/unit/EmulatedKernels.h"
#include "test/unit/RandomMatrix.h"

#include <fmt/format.h>

using namespace sinter;
using namespace sinter::test;

namespace {

constexpr unsigned kTokens = 6;

std::vector<float> normal(size_t count, unsigned seed) {
  std::vector<float> values(count);
  fillNormal(values.data(), count, seed);
  return values;
}

/// Runs `items` blocks of the one kernel of `text` on float32 inputs; its
/// output has `bytes`.
std::vector<std::byte> run(const std::string &text,
                           std::vector<std::vector<float>> inputs, size_t bytes,
                           int64_t items, Batch batch = {}) {
  EmulatedKernels kernels("tile.kernel @k " + text + " {}");
  EXPECT_EQ(kernels.error, "");
  if (!kernels.error.empty())
    return {};
  std::vector<void *> operands;
  for (std::vector<float> &input : inputs) {
    kernels.allow("input", input.data(), input.size() * 4);
    operands.push_back(input.data());
  }
  if (batch.positions)
    kernels.allow("positions", batch.positions, kTokens * 4);
  if (batch.outputs)
    kernels.allow("outputs", batch.outputs, batch.outputRows * 4);
  std::vector<std::byte> output(bytes);
  kernels.allow("output", output.data(), bytes, /*undefined=*/true);
  operands.push_back(output.data());
  batch.tokens = kTokens;
  kernels.run("k", operands, batch, items);
  return output;
}

std::vector<float> floatsOf(const std::vector<std::byte> &bytes) {
  std::vector<float> values(bytes.size() / 4);
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

void expectNear(const std::vector<float> &got, const std::vector<double> &want,
                double error = 1e-5) {
  ASSERT_EQ(got.size(), want.size());
  for (size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], want[i], error * (1 + std::abs(want[i]))) << "at " << i;
}

TEST(CudaRows, PoolsOfSequences) {
  constexpr unsigned kWidth = 150, kStride = 160;
  int32_t positions[kTokens] = {0, 1, 2, 0, 1, 0}, outputs[] = {2, 4, 5};
  Batch batch = {};
  batch.positions = positions;
  batch.outputs = outputs;
  batch.outputRows = 3;
  std::vector<float> rows = normal(kTokens * kStride, 1);
  for (bool mean : {true, false}) {
    std::vector<double> want;
    for (int32_t last : outputs)
      for (unsigned i = 0; i < kWidth; ++i) {
        int32_t first = last - positions[last];
        double sum = 0;
        for (int32_t token = first; token <= (mean ? last : first); ++token)
          sum += rows[token * kStride + i];
        want.push_back(sum / (mean ? last - first + 1 : 1));
      }
    expectNear(
        floatsOf(run(fmt::format("#tile.pool<kind = \"{}\", width = {}, stride "
                                 "= {}>",
                                 mean ? "mean" : "first", kWidth, kStride),
                     {rows}, want.size() * 4, 3, batch)),
        want);
  }
}

TEST(CudaRows, SoftmaxOfRows) {
  constexpr unsigned kWidth = 300, kStride = 310;
  std::vector<float> rows = normal(kTokens * kStride, 2);
  rows[7] = 90; // exp overflows without the largest taken off
  std::vector<double> want;
  for (unsigned token = 0; token < kTokens; ++token) {
    double sum = 0;
    for (unsigned i = 0; i < kWidth; ++i)
      sum += std::exp(double(rows[token * kStride + i]));
    for (unsigned i = 0; i < kWidth; ++i)
      want.push_back(std::exp(double(rows[token * kStride + i])) / sum);
  }
  expectNear(floatsOf(run(fmt::format("#tile.softmax<width = {}, stride = {}>",
                                      kWidth, kStride),
                          {rows}, want.size() * 4, kTokens)),
             want);
}

double silu(double x) { return x / (1 + std::exp(-x)); }

/// Of each group of each row.
std::vector<double> gatedNorms(const std::vector<float> &rows,
                               const std::vector<float> &gates,
                               const std::vector<float> &weight, unsigned width,
                               unsigned group, bool gateFirst) {
  std::vector<double> result;
  for (unsigned at = 0; at < rows.size(); at += group) {
    double sum = 0;
    std::vector<double> x(&rows[at], &rows[at] + group);
    for (unsigned i = 0; i < group; ++i) {
      x[i] *= gateFirst ? silu(gates[at + i]) : 1;
      sum += x[i] * x[i];
    }
    for (unsigned i = 0; i < group; ++i)
      result.push_back(x[i] / std::sqrt(sum / group + 1e-6) *
                       weight[weight.size() == width ? (at + i) % width : i] *
                       (gateFirst || gates.empty() ? 1 : silu(gates[at + i])));
  }
  return result;
}

TEST(CudaRows, GatedNorms) {
  constexpr unsigned kWidth = 192, kGroup = 96;
  std::vector<float> rows = normal(kTokens * kWidth, 3);
  std::vector<float> gates = normal(kTokens * kWidth, 4);
  auto text = [&](const char *output, const char *rest) {
    return fmt::format("#tile.gated_norm<input = <width = {0}, stride = {0}>, "
                       "output = <width = {0}, {1}>, group = {2}, epsilon = "
                       "1.0e-6 : f64{3}>",
                       kWidth, output, kGroup, rest);
  };
  std::vector<float> narrow = normal(kGroup, 5), wide = normal(kWidth, 6);
  expectNear(floatsOf(run(text("stride = 192", ", gateStride = 192"),
                          {rows, gates, narrow}, rows.size() * 4, kTokens * 2)),
             gatedNorms(rows, gates, narrow, kWidth, kGroup, false));
  expectNear(floatsOf(run(text("stride = 192", ", gateStride = 192, gateFirst "
                                               "= true, wide = true"),
                          {rows, gates, wide}, rows.size() * 4, kTokens * 2)),
             gatedNorms(rows, gates, wide, kWidth, kGroup, true));
  expectNear(floatsOf(run(text("stride = 192", ", wide = true"), {rows, wide},
                          rows.size() * 4, kTokens * 2)),
             gatedNorms(rows, {}, wide, kWidth, kGroup, false));
  Q8Layout layout = Q8Layout::of(kWidth, 0);
  auto codes =
      run(text("q8 = true", ", gateStride = 192"), {rows, gates, narrow},
          kTokens * layout.rowBytes, kTokens * 2);
  auto want = gatedNorms(rows, gates, narrow, kWidth, kGroup, false);
  ASSERT_EQ(codes.size(), kTokens * layout.rowBytes);
  for (unsigned token = 0; token < kTokens; ++token) {
    auto values = readQ8(&codes[token * layout.rowBytes], layout);
    for (unsigned i = 0; i < kWidth; ++i)
      EXPECT_NEAR(values[i], want[token * kWidth + i], 0.05) << i;
  }
}

TEST(CudaRows, ColumnsOfHeads) {
  constexpr unsigned kHeads = 3, kWide = 50, kStride = 170, kPart = 32;
  std::vector<float> rows = normal(kTokens * kStride, 7);
  std::vector<double> want;
  for (unsigned token = 0; token < kTokens; ++token)
    for (unsigned i = 0; i < kHeads * kPart; ++i)
      want.push_back(rows[token * kStride + i / kPart * kWide + 9 + i % kPart]);
  auto text = [&](const char *output) {
    return fmt::format("#tile.head_columns<heads = {}, headWidth = {}, offset "
                       "= 9, stride = {}, output = <width = {}, {}>>",
                       kHeads, kWide, kStride, kHeads * kPart, output);
  };
  expectNear(floatsOf(run(text("stride = 96"), {rows}, want.size() * 4,
                          kTokens * kHeads)),
             want);
  Q8Layout layout = Q8Layout::of(kHeads * kPart, 0);
  auto codes = run(text("q8 = true"), {rows}, kTokens * layout.rowBytes,
                   kTokens * kHeads);
  ASSERT_EQ(codes.size(), kTokens * layout.rowBytes);
  for (unsigned i = 0; i < want.size(); ++i)
    EXPECT_NEAR(readQ8(&codes[i / 96 * layout.rowBytes], layout)[i % 96],
                want[i], 0.05);
}

TEST(CudaRows, NormWithoutWeightAndOneNumberForAll) {
  constexpr unsigned kWidth = 48;
  std::vector<float> rows = normal(kTokens * kWidth, 8), one = {3};
  std::vector<double> normed = gatedNorms(
      rows, {}, std::vector<float>(kWidth, 1), kWidth, kWidth, false);
  expectNear(floatsOf(run("#tile.norm<input = <width = 48, stride = 48>, "
                          "output = <width = 48, stride = 48>, group = 48, "
                          "epsilon = 1.0e-6 : f64, unit = true>",
                          {rows}, rows.size() * 4, kTokens)),
             normed);
  // Without a body the first input is the result.
  expectNear(floatsOf(run("#tile.elementwise<[0, 48] -> <width = 48, stride = "
                          "48>> config <columns = 32>",
                          {one, rows}, rows.size() * 4, kTokens * 2)),
             std::vector<double>(rows.size(), 3));
}

TEST(CudaRows, RefusalsNameKernelAndReason) {
  auto expectRefusal = [](const std::string &op, const std::string &message) {
    EXPECT_EQ(EmulatedKernels("tile.kernel @k " + op + " {}").error,
              "kernel 'k': " + message);
  };
  expectRefusal("#tile.pool<kind = \"last\", width = 8, stride = 8>",
                "pooling 'last', expected mean or first");
  std::string norm = "#tile.gated_norm<input = <width = 96, stride = 96>, "
                     "output = <width = 96, q8 = true>, group = {}, epsilon = "
                     "1.0e-6 : f64>";
  for (unsigned group : {0u, 36u, 48u})
    expectRefusal(fmt::format(fmt::runtime(norm), group),
                  fmt::format("rows of 96 in groups of {}; 8-bit rows need "
                              "groups of 32",
                              group));
  expectRefusal("#tile.head_columns<heads = 2, headWidth = 32, offset = 0, "
                "stride = 64, output = <width = 32, q8 = true>>",
                "8-bit output of heads 16 wide; expected a multiple of 32");
  std::string rows = "#tile.norm<input = <width = 8, stride = 8>, output = "
                     "<width = 8, stride = 8>, group = 8, epsilon = 1.0e-6 : "
                     "f64, {}>";
  expectRefusal(fmt::format(fmt::runtime(rows), "bias = true"),
                "an RMS norm has no bias");
  expectRefusal(fmt::format(fmt::runtime(rows), "wide = true, unit = true"),
                "only a plain RMS norm goes without weight");
}

} // namespace
