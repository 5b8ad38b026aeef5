/// Products of 4-bit floats on an emulated device: how rows are rounded to
/// them, against the formats' definitions, and the sums, against scalar
/// arithmetic on what the rows then hold.
#include "dialects/formats/Codebooks.h"
#include "dialects/tile/Float4.h"
#include "test/unit/EmulatedKernels.h"
#include "test/unit/RandomMatrix.h"

#include <fmt/format.h>

#include <algorithm>

using namespace sinter;
using namespace sinter::test;

namespace {

/// 13 units of 32: the last product has half its columns.
constexpr unsigned kTokens = 13, kRows = 72, kWidth = 448;
constexpr unsigned kOddWidth = 416;

unsigned sumsOf(const Format &format) {
  return sumsFor(format.form) | float4Of(format);
}
std::string rowOf(const Format &format, unsigned width) {
  return fmt::format("<width = {}, q8 = true, sums = {}>", width,
                     sumsOf(format));
}

std::string gemm(const char *name, const Format &format, unsigned width,
                 const char *decode, const char *config) {
  return fmt::format(
      "tile.kernel @{} #tile.gemm<format = \"{}\", weightRows = {}, input = "
      "{}, output = <width = {}, stride = {}>{}> config #tile.config<{}> {{}}"
      "\n",
      name, format.name, kRows, rowOf(format, width), kRows, kRows, decode,
      config);
}

std::string kernelsOf(const Format &format, unsigned width) {
  return gemm("wide", format, width, "",
              "rowGroups = 4, tokens = 16, mma = true") +
         gemm("narrow", format, width, ", decode = true",
              "rowGroups = 1, tokens = 8, mma = true") +
         fmt::format("tile.kernel @quantize #tile.elementwise<[{}] -> {}> "
                     "config #tile.config<columns = 64> {{}}\n",
                     width, rowOf(format, width));
}

/// Column `i` of a row as its 4-bit float says, in the order that the header of
/// prelude/Floats4.cuh tells.
double readFloat4(const std::byte *row, const Q8Layout &layout,
                  const Format &format, unsigned i) {
  const bool by16 = format.form.group == 16;
  const unsigned block = i / 32, column = i % 32, apart = by16 ? 4 : 16;
  const std::byte *floats = row + (by16 ? layout.floats16 : layout.floats32);
  const unsigned byte = column % apart + column / (2 * apart) * apart;
  const auto both = uint8_t(floats[16 * block + byte]);
  const unsigned code = column & apart ? both >> 4 : both & 15;
  const double value = kFp4Doubled[code] * 0.5;
  if (!by16)
    return value * e8m0ToFloat(uint8_t(row[layout.floatScales32 + block]));
  const unsigned scale = block / 2 * 4 + column / 16 * 2 + block % 2;
  return value * ue4m3ToFloat(uint8_t(row[layout.floatScales16 + scale]));
}

/// What a group's numbers should become.
std::vector<double> rounded(const float *values, unsigned group) {
  float largest = 0;
  for (unsigned i = 0; i < group; ++i)
    largest = std::max(largest, std::fabs(values[i]));
  double scale = 0;
  if (group == 32) { // the least power of two with nothing above 6
    scale = std::ldexp(1.0, -126);
    while (largest / scale > 6)
      scale *= 2;
  } else { // the nearest UE4M3 to a sixth
    for (unsigned byte = 0; byte < 127; ++byte)
      if (std::fabs(ue4m3ToFloat(uint8_t(byte)) - largest / 6.0) <
          std::fabs(scale - largest / 6.0))
        scale = ue4m3ToFloat(uint8_t(byte));
  }
  std::vector<double> result;
  for (unsigned i = 0; i < group; ++i) {
    double best = 0;
    for (int entry : kFp4Doubled)
      if (std::fabs(entry * 0.5 * scale - values[i]) <
          std::fabs(best - values[i]))
        best = entry * 0.5 * scale;
    result.push_back(best);
  }
  return result;
}

class Float4
    : public testing::TestWithParam<std::pair<const char *, unsigned>> {};

TEST_P(Float4, RoundsAndMultiplies) {
  const auto [name, width] = GetParam();
  const Format &format = *findFormat(std::string_view(name));
  EmulatedKernels kernels(kernelsOf(format, width));
  ASSERT_EQ(kernels.error, "");
  const Q8Layout layout = Q8Layout::of(width, sumsOf(format));
  std::vector<float> floats(kTokens * width);
  fillNormal(floats.data(), floats.size(), 3);
  // Groups of zeros, of numbers too small for a scale, and of large ones.
  std::fill_n(&floats[width], 64, 0.0f);
  std::fill_n(&floats[2 * width], 32, 1e-7f);
  for (unsigned i = 0; i < 64; ++i)
    floats[3 * width + i] *= 5000;
  std::vector<std::byte> rows(kTokens * layout.rowBytes);
  kernels.allow("floats", floats.data(), floats.size() * 4);
  kernels.allow("rows", rows.data(), rows.size(), true);
  Batch batch{};
  batch.tokens = kTokens;
  kernels.run("quantize", {floats.data(), rows.data()}, batch,
              kTokens * ((width + 63) / 64));
  std::vector<std::vector<double>> values(kTokens);
  for (unsigned t = 0; t < kTokens; ++t)
    for (unsigned i = 0; i < width; ++i) {
      values[t].push_back(
          readFloat4(&rows[t * layout.rowBytes], layout, format, i));
      const unsigned group = format.form.group, first = i / group * group;
      const double want = rounded(&floats[t * width + first], group)[i - first];
      // Of two that are equally near either may be taken.
      const float value = floats[t * width + i];
      EXPECT_NEAR(std::fabs(values[t][i] - value), std::fabs(want - value),
                  1e-6 * std::fabs(value))
          << "token " << t << " column " << i;
    }

  Matrix matrix(format, kRows, width);
  kernels.allow("weights", matrix.packed.data(), matrix.packed.size());
  std::vector<float> wide(kTokens * kRows), narrow(kTokens * kRows);
  kernels.allow("wide", wide.data(), wide.size() * 4, true);
  kernels.allow("narrow", narrow.data(), narrow.size() * 4, true);
  kernels.run("wide", {rows.data(), matrix.packed.data(), wide.data()}, batch,
              2);
  const std::vector<double> want = products(matrix, values);
  EXPECT_LT(nmse(wide.data(), want.data(), want.size()), 1e-11);
  // One token at a time, with threads in other orders, gives the same bits.
  batch.tokens = 1;
  for (unsigned t = 0; t < kTokens; ++t) {
    kernels.seed(t);
    kernels.run(
        "narrow",
        {&rows[t * layout.rowBytes], matrix.packed.data(), &narrow[t * kRows]},
        batch, 5);
  }
  EXPECT_EQ(std::memcmp(wide.data(), narrow.data(), wide.size() * 4), 0);
}

INSTANTIATE_TEST_SUITE_P(Formats, Float4,
                         testing::Values(std::pair("mxfp4", kWidth),
                                         std::pair("mxfp4", kOddWidth),
                                         std::pair("nvfp4", kWidth)));

TEST(Float4Tiles, RefuseWhatRegistersDoNotHold) {
  const Format &format = *findFormat("mxfp4");
  for (const char *config :
       {"rowGroups = 8, tokens = 8, mma = true",
        "rowGroups = 1, tokens = 12, mma = true",
        "rowGroups = 1, tokens = 128, mma = true", "rowGroups = 1, tokens = 8"})
    EXPECT_NE(EmulatedKernels(gemm("wide", format, kWidth, "", config))
                  .error.find("4-bit floats need matrix units and tiles of up "
                              "to 4 row groups and 8 to 64 tokens, found"),
              std::string::npos)
        << config;
}

} // namespace
