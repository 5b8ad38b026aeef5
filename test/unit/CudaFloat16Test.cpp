/// Products of 16-bit weights on matrix units of an emulated device, against
/// scalar arithmetic on activations rounded by the formats' definitions: every
/// tile gives the same bits, and so does each token alone, however large its
/// neighbours are.
#include "dialects/tile/Experts.h"
#include "test/unit/EmulatedKernels.h"
#include "test/unit/RandomMatrix.h"

#include <fmt/format.h>

#include <random>

using namespace sinter;
using namespace sinter::test;

namespace {

/// Two tiles of 64 tokens, and more than half of one of 128; a row group and a
/// half at the end of what a block takes.
constexpr unsigned kTokens = 77, kRows = 152;

std::string gemm(const char *name, const char *format, unsigned width,
                 const char *rest, const char *config,
                 const char *body = "{}") {
  return fmt::format(
      "tile.kernel @{} #tile.gemm<format = \"{}\", weightRows = {}, input = "
      "<width = {}, stride = {}>, {}> config #tile.config<{}, mma = true> {}\n",
      name, format, kRows, width, width, rest, config, body);
}

/// A kernel, and its items for a step of so many tokens.
struct Tile {
  const char *name, *config;
  bool decode;
  unsigned groups, tokens;

  unsigned items(unsigned count) const {
    unsigned parts = ((kRows + 15) / 16 + groups - 1) / groups;
    return decode ? parts : parts * ((count + tokens - 1) / tokens);
  }
};
constexpr Tile kTiles[] = {
    {"square", "rowGroups = 4, tokens = 64", false, 4, 64},
    {"wide", "rowGroups = 8, tokens = 128", false, 8, 128},
    {"tall", "rowGroups = 16, tokens = 16", false, 16, 16},
    {"narrow", "rowGroups = 1, tokens = 64", false, 1, 64},
    {"few", "rowGroups = 1, tokens = 8", true, 1, 8},
    {"more", "rowGroups = 2, tokens = 8", true, 2, 8},
    {"most", "rowGroups = 4, tokens = 8", true, 4, 8},
};

std::string kernelsOf(const char *format, unsigned width) {
  std::string text;
  for (const Tile &tile : kTiles)
    text += gemm(tile.name, format, width,
                 fmt::format("output = <width = {0}, stride = {0}>{1}", kRows,
                             tile.decode ? ", decode = true" : "")
                     .c_str(),
                 tile.config);
  return text;
}

/// The nearest number of `digits` binary digits that is a multiple of
/// `smallest`.
double rounded(double value, int digits, double smallest) {
  if (value == 0)
    return 0;
  int exponent;
  std::frexp(value, &exponent);
  double unit = std::max(smallest, std::ldexp(1, exponent - digits));
  return std::nearbyint(value / unit) * unit; // ties to even
}
/// A BF16; or two halves, of a number times 64 and of its rest, behind a half
/// of the number times 2^-20 if that is large and its rest is not.
double roundedTo(const char *format, double value) {
  if (format[0] == 'b')
    return rounded(value, 8, 0);
  double taken = 0;
  if (std::fabs(value) >= 512) {
    taken = rounded(value, 11, 1.0 / 16);
    value = std::fabs(value - taken) < 512 ? value - taken : 0;
  }
  const double half = rounded(value, 11, std::ldexp(1, -30));
  return taken + half + rounded(value - half, 11, std::ldexp(1, -30));
}

/// Rows of ordinary size, of tiny and huge numbers, with a few large ones, and
/// of zeros but one.
std::vector<float> activations(unsigned width) {
  std::vector<float> values(kTokens * width);
  fillNormal(values.data(), values.size(), 3);
  auto row = [&](unsigned token) { return &values[token * width]; };
  for (unsigned i = 0; i < width; ++i) {
    row(1)[i] *= 1e-4f;
    row(2)[i] *= 1e9f;
    row(6)[i] *= 3e5f;
    row(7)[i] = i == 9 ? -65520.0f : 0;
  }
  row(3)[5] = 70000;
  row(3)[width - 1] = -512;
  row(4)[17] = 511.9f;
  return values;
}

class Float16
    : public testing::TestWithParam<std::pair<const char *, unsigned>> {
protected:
  /// The rows of `tokens` from `first` on, by one kernel.
  std::vector<float> run(EmulatedKernels &kernels, const Tile &tile,
                         const Matrix &matrix, float *input, unsigned tokens) {
    std::vector<float> output(tokens * kRows);
    kernels.reset();
    kernels.allow("weights", matrix.packed.data(),
                  matrix.layout.matrixBytes(kRows, matrix.width));
    kernels.allow("input", input, tokens * matrix.width * 4);
    kernels.allow("output", output.data(), output.size() * 4, true);
    Batch batch{};
    batch.tokens = int32_t(tokens);
    kernels.run(
        tile.name,
        {input, const_cast<std::byte *>(matrix.packed.data()), output.data()},
        batch, tile.items(tokens));
    return output;
  }
};

TEST_P(Float16, MultipliesRoundedRows) {
  const auto [name, width] = GetParam();
  EmulatedKernels kernels(kernelsOf(name, width));
  ASSERT_EQ(kernels.error, "");
  Matrix matrix(*findFormat(std::string_view(name)), kRows, width);
  std::vector<float> input = activations(width);
  std::vector<std::vector<double>> exact, used;
  for (unsigned t = 0; t < kTokens; ++t) {
    exact.emplace_back(&input[t * width], &input[t * width] + width);
    for (double value : exact.back())
      used.resize(t + 1), used[t].push_back(roundedTo(name, value));
  }
  const std::vector<float> output =
      run(kernels, kTiles[0], matrix, input.data(), kTokens);
  const std::vector<double> want = products(matrix, used);
  const std::vector<double> truth = products(matrix, exact);
  for (unsigned t = 0; t < kTokens; ++t) {
    SCOPED_TRACE(t);
    const unsigned at = t * kRows;
    EXPECT_LT(nmse(&output[at], &want[at], kRows), 1e-11);
    // Of huge numbers, as of token 2, one half is kept.
    EXPECT_LT(nmse(&output[at], &truth[at], kRows), name[0] == 'b' ? 2e-5
                                                    : t == 2       ? 3e-7
                                                                   : 1e-11);
  }
}

TEST_P(Float16, EveryTileGivesTheSameBits) {
  const auto [name, width] = GetParam();
  EmulatedKernels kernels(kernelsOf(name, width));
  ASSERT_EQ(kernels.error, "");
  Matrix matrix(*findFormat(std::string_view(name)), kRows, width);
  std::vector<float> input = activations(width);
  // What is no number stays with its token.
  input[5 * width + 7] = INFINITY;
  input[8 * width + 7] = NAN;
  const std::vector<float> want =
      run(kernels, kTiles[0], matrix, input.data(), kTokens);
  EXPECT_FALSE(std::isfinite(want[5 * kRows]));
  EXPECT_TRUE(std::isnan(want[8 * kRows]));
  for (unsigned t : {4u, 6u, 9u})
    EXPECT_TRUE(std::isfinite(want[t * kRows])) << t;
  auto expectSame = [&](const std::vector<float> &got, unsigned first,
                        const char *tile) {
    for (unsigned i = 0; i < got.size(); ++i)
      ASSERT_EQ(std::bit_cast<uint32_t>(got[i]),
                std::bit_cast<uint32_t>(want[first * kRows + i]))
          << tile << ", token " << first + i / kRows << " row " << i % kRows;
  };
  uint64_t seed = 0;
  for (const Tile &tile : kTiles) {
    kernels.seed(seed++);
    expectSame(run(kernels, tile, matrix, input.data(), kTokens), 0, tile.name);
    for (unsigned tokens : {1u, 5u})
      for (unsigned first : {0u, 3u, 7u}) {
        kernels.seed(seed++);
        expectSame(run(kernels, tile, matrix, &input[first * width], tokens),
                   first, tile.name);
      }
  }
}

/// Units of 32 columns: fewer than streams, the last stream shorter, and a run
/// of more than a ring of tiles.
INSTANTIATE_TEST_SUITE_P(Formats, Float16,
                         testing::Values(std::pair("f16", 64u),
                                         std::pair("f16", 1056u),
                                         std::pair("bf16", 544u),
                                         std::pair("bf16", 32u)));

/// Gate and up with their product in 8 bits: the chunks of a tile's sums and
/// the few tokens' own way write the same bytes.
TEST(Float16Tiles, SegmentsAndQuantisedRows) {
  constexpr unsigned kWidth = 96, kGated = 128;
  const std::string body = "{\n^bb0(%g: f32, %u: f32):\n  %y = arith.mulf %g, "
                           "%u : f32\n  tile.yield %y : f32\n}\n";
  auto gated = [&](const char *name, const char *rest, const char *config) {
    return fmt::format(
        "tile.kernel @{} #tile.gemm<format = \"f16\", weightRows = {}, input = "
        "<width = {}, stride = {}>, output = <width = {}, q8 = true>, segments "
        "= 2, bias = true{}> config #tile.config<{}, mma = true> {}",
        name, 2 * kGated, kWidth, kWidth, kGated, rest, config, body);
  };
  EmulatedKernels kernels(
      gated("wide", "", "rowGroups = 8, tokens = 128") +
      gated("few", ", decode = true", "rowGroups = 4, tokens = 8"));
  ASSERT_EQ(kernels.error, "");
  Matrix matrix(*findFormat("f16"), 2 * kGated, kWidth);
  std::vector<float> input(kTokens * kWidth), bias(2 * kGated);
  fillNormal(input.data(), input.size(), 4);
  fillNormal(bias.data(), bias.size(), 5);
  const Q8Layout layout = Q8Layout::of(kGated, 0);
  std::vector<std::byte> wide(kTokens * layout.rowBytes), few(wide.size());
  kernels.allow("weights", matrix.packed.data(),
                matrix.layout.matrixBytes(2 * kGated, kWidth));
  kernels.allow("input", input.data(), input.size() * 4);
  kernels.allow("bias", bias.data(), bias.size() * 4);
  kernels.allow("wide", wide.data(), wide.size(), true);
  kernels.allow("few", few.data(), few.size(), true);
  Batch batch{};
  batch.tokens = kTokens;
  for (auto [name, output, items] :
       {std::tuple("wide", wide.data(), 2), std::tuple("few", few.data(), 4)})
    kernels.run(name, {input.data(), matrix.packed.data(), bias.data(), output},
                batch, items);
  EXPECT_EQ(wide, few);
  for (unsigned t = 0; t < kTokens; ++t) {
    const std::vector<double> got = readQ8(&wide[t * layout.rowBytes], layout);
    for (unsigned column = 0; column < kGated; ++column) {
      double sums[2];
      for (unsigned s = 0; s < 2; ++s) {
        const unsigned row = column / 16 * 32 + 16 * s + column % 16;
        sums[s] = bias[s * kGated + column];
        for (unsigned k = 0; k < kWidth; ++k)
          sums[s] += double(matrix.exact[row * kWidth + k]) *
                     roundedTo("f16", input[t * kWidth + k]);
      }
      float scale;
      std::memcpy(&scale,
                  &wide[t * layout.rowBytes + layout.scales + column / 32 * 4],
                  4);
      ASSERT_NEAR(got[column], sums[0] * sums[1], 0.51 * scale);
    }
  }
}

/// Rows by expert, of many tokens and of few, each against the rows alone.
TEST(Float16Tiles, ProductsByExpert) {
  constexpr unsigned kExperts = 5, kTop = 2, kOwn = 48, kWidth = 96,
                     kCount = 100;
  auto grouped = [&](const char *name, const char *rest, const char *config) {
    return fmt::format(
        "tile.kernel @{} #tile.grouped_gemm<format = \"bf16\", experts = {}, "
        "top = {}, weightRows = {}, input = <width = {}, stride = {}>, output "
        "= <width = {}, stride = {}>{}> config <{}, mma = true> {{}}\n",
        name, kExperts, kTop, kOwn, kWidth, kWidth, kOwn, kOwn, rest, config);
  };
  EmulatedKernels kernels(
      grouped("many", "", "rowGroups = 4, tokens = 32") +
      grouped("few", ", decode = true", "rowGroups = 2, tokens = 8") +
      fmt::format("tile.kernel @group #tile.group<experts = {}, top = {}> "
                  "{{}}\n",
                  kExperts, kTop));
  ASSERT_EQ(kernels.error, "");
  Matrix matrix(*findFormat("bf16"), kExperts * kOwn, kWidth);
  std::vector<float> input(kCount * kWidth);
  fillNormal(input.data(), input.size(), 4);
  std::mt19937 random(9);
  std::vector<int32_t> ids, groups(2 + 2 * kExperts), order(kCount * kTop);
  for (unsigned i = 0; i < kCount; ++i) { // expert 4 has no rows
    ids.push_back(int32_t(random() % 2));
    ids.push_back(int32_t(2 + random() % 2));
  }
  auto allow = [&](const char *name, auto &values) {
    kernels.allow(name, values.data(), values.size() * sizeof(values[0]));
    return static_cast<void *>(values.data());
  };
  allow("weights", matrix.packed);
  Batch batch{};
  batch.tokens = kCount;
  kernels.run(
      "group",
      {allow("ids", ids), allow("groups", groups), allow("order", order)},
      batch, 1);
  allow("input", input);
  std::vector<float> many(kCount * kTop * kOwn), few(many.size());
  for (auto [name, output] : {std::pair("many", &many), std::pair("few", &few)})
    kernels.run(name,
                {input.data(), groups.data(), order.data(),
                 matrix.packed.data(), allow(name, *output)},
                batch, tile::kGroupedItems);
  EXPECT_EQ(std::memcmp(many.data(), few.data(), many.size() * 4), 0);
  for (unsigned i = 0; i < ids.size(); ++i)
    for (unsigned row = 0; row < kOwn; ++row) {
      double sum = 0;
      for (unsigned k = 0; k < kWidth; ++k)
        sum += double(matrix.exact[(ids[i] * kOwn + row) * kWidth + k]) *
               roundedTo("bf16", input[i / kTop * kWidth + k]);
      ASSERT_NEAR(many[i * kOwn + row], sum, 1e-3)
          << "assignment " << i << " row " << row;
    }
}

/// Columns of each head times its own matrix.
TEST(Float16Tiles, ProductsByHead) {
  constexpr unsigned kHeads = 3, kOwn = 48, kWidth = 64;
  auto heads = [&](const char *name, const char *rest, const char *config) {
    return fmt::format(
        "tile.kernel @{} #tile.head_gemm<format = \"f16\", heads = {}, "
        "weightRows = {}, input = <width = {}, stride = {}>, output = <width = "
        "{}, stride = {}>{}> config <{}, mma = true> {{}}\n",
        name, kHeads, kOwn, kHeads * kWidth, kHeads * kWidth, kHeads * kOwn,
        kHeads * kOwn, rest, config);
  };
  EmulatedKernels kernels(
      heads("many", "", "rowGroups = 4, tokens = 64") +
      heads("few", ", decode = true", "rowGroups = 2, tokens = 8"));
  ASSERT_EQ(kernels.error, "");
  Matrix matrix(*findFormat("f16"), kHeads * kOwn, kWidth);
  std::vector<float> input(kTokens * kHeads * kWidth);
  fillNormal(input.data(), input.size(), 4);
  std::vector<float> many(kTokens * kHeads * kOwn), few(many.size());
  kernels.allow("weights", matrix.packed.data(), matrix.packed.size());
  kernels.allow("input", input.data(), input.size() * 4);
  kernels.allow("many", many.data(), many.size() * 4, true);
  kernels.allow("few", few.data(), few.size() * 4, true);
  Batch batch{};
  batch.tokens = kTokens;
  kernels.run("many", {input.data(), matrix.packed.data(), many.data()}, batch,
              kHeads);
  kernels.run("few", {input.data(), matrix.packed.data(), few.data()}, batch,
              kHeads * 2);
  EXPECT_EQ(std::memcmp(many.data(), few.data(), many.size() * 4), 0);
  for (unsigned i = 0; i < many.size(); ++i) {
    const unsigned token = i / (kHeads * kOwn), row = i % (kHeads * kOwn);
    double sum = 0;
    for (unsigned k = 0; k < kWidth; ++k)
      sum +=
          double(matrix.exact[row * kWidth + k]) *
          roundedTo("f16",
                    input[token * kHeads * kWidth + row / kOwn * kWidth + k]);
    ASSERT_NEAR(many[i], sum, 1e-3) << "token " << token << " row " << row;
  }
}

TEST(Float16Tiles, RefusalsNameKernelAndReason) {
  auto expectRefusal = [](const std::string &op, const std::string &message) {
    EXPECT_EQ(EmulatedKernels(op).error, "kernel 'k': " + message);
  };
  const char *output = "output = <width = 152, stride = 152>";
  expectRefusal(gemm("k", "f32", 32, output, "rowGroups = 4, tokens = 64"),
                "matrix units multiply weights of 8 and 16 bits, found f32");
  expectRefusal(gemm("k", "f16", 40, output, "rowGroups = 4, tokens = 64"),
                "matrix units take 16-bit weights in whole rows of a multiple "
                "of 32 columns, found 40 columns in rows 40 apart");
  for (const char *config :
       {"rowGroups = 3, tokens = 64", "rowGroups = 4, tokens = 24",
        "rowGroups = 16, tokens = 128", "rowGroups = 4, tokens = 0"})
    EXPECT_NE(EmulatedKernels(gemm("k", "f16", 32, output, config))
                  .error.find("matrix units take no tiles of 16-bit weights "
                              "of "),
              std::string::npos)
        << config;
  expectRefusal(gemm("k", "f16", 32,
                     "output = <width = 152, stride = 152>, decode = true",
                     "rowGroups = 8, tokens = 8"),
                "matrix units take no tiles of 16-bit weights of 8 row groups "
                "and 8 tokens");
  expectRefusal("tile.kernel @k #tile.head_gemm<format = \"q8_0\", heads = 2, "
                "weightRows = 32, input = <width = 64, q8 = true>, output = "
                "<width = 64, stride = 64>> config <rowGroups = 2, tokens = "
                "32, mma = true> {}",
                "matrix units multiply heads of 16-bit weights, found q8_0");
}

} // namespace
