/// Runs emitted x86 kernels against scalar arithmetic on dequantised weights,
/// for every weight format on every instruction set that this machine has.
#include "test/unit/EmittedKernels.h"
#include "test/unit/RandomMatrix.h"

using namespace sinter;
using namespace sinter::test;

namespace {

class X86Kernels : public testing::TestWithParam<Level> {
protected:
  void SetUp() override {
    if (!GetParam().available)
      GTEST_SKIP() << "unsupported: this machine lacks " << GetParam().name;
  }
};

constexpr unsigned kTokens = 61, kRows = 72, kWidth = 512;

std::string matmulKernels(const Format &format) {
  bool plain = format.form.family == Family::Plain;
  unsigned sums = sumsFor(format.form);
  std::string input =
      plain ? fmt::format("<width = {0}, stride = {0}>", kWidth)
            : fmt::format("<width = {}, q8 = true, sums = {}>", kWidth, sums);
  auto gemm = [&](const char *name, const char *decode, unsigned groups,
                  unsigned tokens, unsigned prefetch) {
    return fmt::format(
        "tile.kernel @{} #tile.gemm<format = \"{}\", weightRows = {}, input = "
        "{}, output = <width = {}, stride = {}>{}> config #tile.config<"
        "rowGroups = {}, tokens = {}, prefetch = {}> {{}}\n",
        name, format.name, kRows, input, kRows, kRows, decode, groups, tokens,
        prefetch);
  };
  return gemm("gemm", "", 2, 8, 0) +
         gemm("gemv", ", decode = true", 1, 4, 4096) +
         fmt::format("tile.kernel @embed #tile.embed<format = \"{}\", "
                     "weightRows = {}, output = <width = {}, stride = {}>> {{}}"
                     "\n",
                     format.name, kRows, kWidth, kWidth) +
         fmt::format("tile.kernel @quantize #tile.elementwise<[{}] -> <width = "
                     "{}, q8 = true, sums = {}>> config #tile.config<columns = "
                     "256> {{}}\n",
                     kWidth, kWidth, sums);
}

float roundToBf16(float value) {
  return std::bit_cast<float>(std::bit_cast<uint32_t>(value) & 0xffff0000u);
}

void checkFormat(const Level &level, const Format &format) {
  SCOPED_TRACE(format.name);
  Kernels kernels(level, matmulKernels(format));
  ASSERT_EQ(kernels.error, "");
  Matrix matrix(format, kRows, kWidth);
  Q8Layout q8 = Q8Layout::of(kWidth, sumsFor(format.form));
  Buffer input(kTokens * kWidth * 4), quantized(kTokens * q8.rowBytes);
  Buffer output(kTokens * kRows * 4), single(kTokens * kRows * 4);
  fillNormal(input.floats(), kTokens * kWidth, 3);
  // What the activations of such weights may be rounded to.
  if (format.form.plain == PlainType::BF16)
    for (unsigned i = 0; i < kTokens * kWidth; ++i)
      input.floats()[i] = roundToBf16(input.floats()[i]);
  Batch batch{};
  batch.tokens = kTokens;
  void *quantizeOperands[] = {input.data, quantized.data};
  bool plain = format.form.family == Family::Plain;
  std::vector<std::vector<double>> rows;
  if (!plain)
    kernels["quantize"](quantizeOperands, &batch, 0, kTokens * 2);
  for (unsigned t = 0; t < kTokens; ++t)
    rows.push_back(plain
                       ? std::vector<double>(input.floats() + t * kWidth,
                                             input.floats() + (t + 1) * kWidth)
                       : readQ8(quantized.data + t * q8.rowBytes, q8));
  std::byte *activations = plain ? input.data : quantized.data;
  size_t inputRow = plain ? kWidth * 4 : q8.rowBytes;
  std::vector<double> want = products(matrix, rows);

  void *operands[] = {activations, matrix.packed.data(), output.data};
  kernels["gemm"](operands, &batch, 0, 3);
  EXPECT_LT(nmse(output.floats(), want.data(), want.size()), 1e-11);
  // One token at a time gives the same bits.
  batch.tokens = 1;
  for (unsigned t = 0; t < kTokens; ++t) {
    void *row[] = {activations + t * inputRow, matrix.packed.data(),
                   single.data + t * kRows * 4};
    kernels["gemv"](row, &batch, 0, 2);
    kernels["gemv"](row, &batch, 2, 5);
  }
  EXPECT_EQ(std::memcmp(output.data, single.data, kTokens * kRows * 4), 0);

  int32_t ids[kTokens];
  for (unsigned t = 0; t < kTokens; ++t)
    ids[t] = t * 5 % kRows;
  batch.tokens = kTokens;
  batch.tokenIds = ids;
  Buffer embedded(kTokens * kWidth * 4);
  void *embedOperands[] = {matrix.packed.data(), embedded.data};
  kernels["embed"](embedOperands, &batch, 0, kTokens);
  for (unsigned t = 0; t < kTokens; ++t)
    for (unsigned i = 0; i < kWidth; ++i)
      ASSERT_EQ(embedded.floats()[t * kWidth + i],
                matrix.exact[size_t(ids[t]) * kWidth + i])
          << "row " << ids[t] << " column " << i;
}

TEST_P(X86Kernels, MatmulAndEmbedOfEveryFormat) {
  for (const Format *format : allFormats())
    checkFormat(GetParam(), *format);
}

/// Rows so wide that their decoded weights do not fit at once: sums wait for
/// the next stretch. With super scales and minima, and with tensor scales.
TEST_P(X86Kernels, WideRowsInStretches) {
  constexpr unsigned kTokens = 55, kRows = 64, kWidth = 10240;
  for (const char *name : {"q4_k", "nvfp4"}) {
    const Format &format = *findFormat(std::string_view(name));
    unsigned sums = sumsFor(format.form);
    auto gemm = [&](const char *kernel, const char *decode) {
      return fmt::format(
          "tile.kernel @{} #tile.gemm<format = \"{}\", weightRows = {}, input "
          "= <width = {}, q8 = true, sums = {}>, output = <width = {}, stride "
          "= {}>{}> config #tile.config<rowGroups = 2, tokens = 8> {{}}\n",
          kernel, name, kRows, kWidth, sums, kRows, kRows, decode);
    };
    Kernels kernels(
        GetParam(),
        gemm("gemm", "") + gemm("gemv", ", decode = true") +
            fmt::format("tile.kernel @quantize #tile.elementwise<[{}] -> "
                        "<width = {}, q8 = true, sums = {}>> config "
                        "#tile.config<columns = 256> {{}}\n",
                        kWidth, kWidth, sums));
    ASSERT_EQ(kernels.error, "");
    Matrix matrix(format, kRows, kWidth);
    Q8Layout q8 = Q8Layout::of(kWidth, sums);
    Buffer input(kTokens * kWidth * 4), quantized(kTokens * q8.rowBytes);
    Buffer output(kTokens * kRows * 4), single(kTokens * kRows * 4);
    fillNormal(input.floats(), kTokens * kWidth, 3);
    Batch batch{};
    batch.tokens = kTokens;
    void *quantizeOperands[] = {input.data, quantized.data};
    kernels["quantize"](quantizeOperands, &batch, 0, kTokens * kWidth / 256);
    void *operands[] = {quantized.data, matrix.packed.data(), output.data};
    kernels["gemm"](operands, &batch, 0, 2);
    batch.tokens = 1;
    for (unsigned t = 0; t < kTokens; ++t) {
      void *row[] = {quantized.data + t * q8.rowBytes, matrix.packed.data(),
                     single.data + t * kRows * 4};
      kernels["gemv"](row, &batch, 0, 2);
    }
    EXPECT_EQ(std::memcmp(output.data, single.data, kTokens * kRows * 4), 0)
        << name;
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, X86Kernels, testing::ValuesIn(levels()),
                         [](const auto &info) { return info.param.name; });

} // namespace
