/// Runs emitted x86 kernels against scalar arithmetic on dequantised weights,
/// for every weight format on every instruction set that this machine has.
#include "codegen/x86/Packer.h"
#include "test/unit/EmittedKernels.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace sinter;
using sinter::test::Kernels;
using sinter::test::Level;
using sinter::test::levels;

namespace {

/// Memory of 64-byte lines with some to spare behind.
struct Buffer {
  explicit Buffer(size_t bytes)
      : data(static_cast<std::byte *>(
            std::aligned_alloc(64, (bytes + 255) / 64 * 64))) {
    std::memset(data, 0x5a, (bytes + 255) / 64 * 64);
  }
  ~Buffer() { std::free(data); }
  Buffer(const Buffer &) = delete;
  float *floats() { return reinterpret_cast<float *>(data); }
  std::byte *data;
};

unsigned sumsFor(const CanonicalForm &form) {
  unsigned set = form.codeOffset ? unsigned(kCodes32) : 0;
  if (form.min != GroupMin::None)
    set |= kMins32;
  if (form.group == 16)
    set <<= 2;
  return withSumShift(set,
                      form.codeOffset ? std::countr_zero(form.codeOffset) : 0);
}

/// Random blocks whose weights are of ordinary size: bytes are drawn until they
/// are (any bytes are a block, but most have scales out of this world).
std::vector<uint8_t> randomBlocks(const Format &format, size_t weights) {
  std::mt19937 random(format.ggufId + 1);
  std::vector<uint8_t> blocks(weights / format.blockWeights *
                              format.blockBytes);
  std::vector<float> values(format.blockWeights);
  for (size_t at = 0; at < blocks.size(); at += format.blockBytes) {
    auto ordinary = [&] {
      format.dequantize(&blocks[at], values.data());
      float largest = 0;
      for (float value : values)
        largest = std::isfinite(value) ? std::max(largest, std::abs(value))
                                       : INFINITY;
      return largest < 8 && (largest > 0.01f || format.blockWeights == 1);
    };
    do
      for (uint32_t i = 0; i < format.blockBytes; ++i)
        blocks[at + i] = static_cast<uint8_t>(random() >> 11);
    while (!ordinary());
  }
  return blocks;
}

/// A matrix of random blocks in one format.
struct Matrix {
  const Format &format;
  unsigned rows, width;
  std::vector<uint8_t> blocks;
  std::vector<float> exact;
  x86::PackedLayout layout;
  std::vector<std::byte> packed;

  Matrix(const Format &format, unsigned rows, unsigned width)
      : format(format), rows(rows), width(width),
        blocks(randomBlocks(format, size_t(rows) * width)),
        exact(size_t(rows) * width), layout(x86::PackedLayout::of(format)),
        packed(layout.matrixBytes(rows, width) + 64) {
    size_t count = blocks.size() / format.blockBytes;
    for (size_t i = 0; i < count; ++i)
      format.dequantize(&blocks[i * format.blockBytes],
                        &exact[i * format.blockWeights]);
    x86::PackJob job{.layout = layout, .k = width, .rows = {}, .scales = {}};
    size_t rowBytes = width / format.blockWeights * format.blockBytes;
    for (unsigned row = 0; row < rows; ++row) {
      job.rows.push_back(&blocks[row * rowBytes]);
      if (format.form.tensorScale)
        job.scales.push_back(0.5f);
    }
    if (format.form.tensorScale)
      for (float &weight : exact)
        weight *= 0.5f;
    auto bytes = std::span(packed).first(layout.matrixBytes(rows, width));
    EXPECT_TRUE(x86::packMatrix(job, bytes, 1, {}).ok());
  }
};

/// Standard normal numbers, the same every time.
void fillNormal(float *values, size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  for (size_t i = 0; i < count; ++i)
    values[i] = normal(random);
}

double nmse(const float *got, const double *want, size_t count) {
  double error = 0, power = 0;
  for (size_t i = 0; i < count; ++i) {
    error += (got[i] - want[i]) * (got[i] - want[i]);
    power += want[i] * want[i];
  }
  return error / power;
}

/// Codes times scales of an 8-bit row.
std::vector<double> readQ8(const std::byte *row, Q8Layout layout) {
  std::vector<double> values(layout.width);
  for (unsigned i = 0; i < layout.width; ++i) {
    float scale;
    std::memcpy(&scale, row + layout.scales + i / 32 * 4, 4);
    values[i] = double(scale) * int8_t(row[i]);
  }
  return values;
}

class X86Kernels : public testing::TestWithParam<Level> {
protected:
  void SetUp() override {
    if (!GetParam().available)
      GTEST_SKIP() << "unsupported: this machine lacks " << GetParam().name;
  }
};

constexpr unsigned kTokens = 13, kRows = 72, kWidth = 512;

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

/// Expected products of `rows` activations with the matrix, in double.
std::vector<double> products(const Matrix &matrix,
                             const std::vector<std::vector<double>> &rows) {
  std::vector<double> result;
  for (const auto &row : rows)
    for (unsigned r = 0; r < matrix.rows; ++r) {
      double sum = 0;
      for (unsigned i = 0; i < matrix.width; ++i)
        sum += row[i] * matrix.exact[size_t(r) * matrix.width + i];
      result.push_back(sum);
    }
  return result;
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

INSTANTIATE_TEST_SUITE_P(Levels, X86Kernels, testing::ValuesIn(levels()),
                         [](const auto &info) { return info.param.name; });

} // namespace
