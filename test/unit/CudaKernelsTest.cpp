/// Runs CUDA kernels on an emulated device against scalar arithmetic on
/// dequantised weights, for every weight format, in buffers that end where the
/// kernel's operands do.
#include "test/unit/EmulatedKernels.h"
#include "test/unit/RandomMatrix.h"

#include <fmt/format.h>

using namespace sinter;
using namespace sinter::test;

namespace {

constexpr unsigned kTokens = 13, kRows = 72, kWidth = 512;

std::string rowsOf(const Format &format) {
  if (format.form.family == Family::Plain)
    return fmt::format("<width = {0}, stride = {0}>", kWidth);
  return fmt::format("<width = {}, q8 = true, sums = {}>", kWidth,
                     sumsFor(format.form));
}

/// Whether matrix units multiply it: bytes.
bool hasUnits(const Format &format) {
  return format.form.family != Family::Plain;
}

/// gemm (by lanes and in two tiles by matrix units), gemv, embed and quantize
/// for one format, named for it.
std::string kernelsOf(const Format &format) {
  auto gemm = [&](const char *name, const char *decode, const char *config) {
    return fmt::format(
        "tile.kernel @{}_{} #tile.gemm<format = \"{}\", weightRows = {}, input "
        "= {}, output = <width = {}, stride = {}>{}> config #tile.config<{}> "
        "{{}}\n",
        name, format.name, format.name, kRows, rowsOf(format), kRows, kRows,
        decode, config);
  };
  std::string units;
  if (hasUnits(format))
    units = gemm("mma", "", "rowGroups = 4, tokens = 32, mma = true") +
            gemm("tall", "", "rowGroups = 16, tokens = 8, mma = true") +
            gemm("four", "",
                 "rowGroups = 8, tokens = 64, mma = true, wgmma = true") +
            gemm("few", ", decode = true",
                 "rowGroups = 1, tokens = 8, mma = true") +
            gemm("more", ", decode = true",
                 "rowGroups = 2, tokens = 16, mma = true");
  return units + gemm("gemm", "", "rowGroups = 2, tokens = 8") +
         gemm("gemv", ", decode = true", "rowGroups = 1, tokens = 4") +
         fmt::format("tile.kernel @embed_{} #tile.embed<format = \"{}\", "
                     "weightRows = {}, output = <width = {}, stride = {}>> {{}}"
                     "\n",
                     format.name, format.name, kRows, kWidth, kWidth) +
         fmt::format("tile.kernel @quantize_{} #tile.elementwise<[{}] -> {}> "
                     "config #tile.config<columns = 256> {{}}\n",
                     format.name, kWidth,
                     format.form.family == Family::Plain
                         ? fmt::format("<width = {}, q8 = true>", kWidth)
                         : rowsOf(format));
}

/// What a gemm of one format reads: float32 or 8-bit rows.
struct Activations {
  Activations(EmulatedKernels &kernels, const Format &format)
      : plain(format.form.family == Family::Plain),
        layout(Q8Layout::of(kWidth, plain ? 0 : sumsFor(format.form))),
        floats(kTokens * kWidth), quantized(kTokens * layout.rowBytes) {
    fillNormal(floats.data(), floats.size(), 3);
    kernels.allow("floats", floats.data(), floats.size() * 4);
    kernels.allow("quantized", quantized.data(), quantized.size(), true);
    Batch batch{};
    batch.tokens = kTokens;
    kernels.run("quantize_" + std::string(format.name),
                {floats.data(), quantized.data()}, batch, kTokens * 2);
    for (unsigned t = 0; t < kTokens; ++t)
      values.push_back(plain ? std::vector<double>(&floats[t * kWidth],
                                                   &floats[t * kWidth] + kWidth)
                             : readQ8(&quantized[t * layout.rowBytes], layout));
  }
  void *row(unsigned token) {
    return plain ? static_cast<void *>(&floats[token * kWidth])
                 : &quantized[token * layout.rowBytes];
  }

  bool plain;
  Q8Layout layout;
  std::vector<float> floats;
  std::vector<std::byte> quantized;
  std::vector<std::vector<double>> values;
};

void checkProducts(EmulatedKernels &kernels, const Format &format,
                   const Matrix &matrix) {
  std::string name(format.name);
  Activations input(kernels, format);
  std::vector<float> output(kTokens * kRows), single(kTokens * kRows);
  kernels.allow("output", output.data(), output.size() * 4, true);
  kernels.allow("single", single.data(), single.size() * 4, true);
  auto *packed = const_cast<std::byte *>(matrix.packed.data());
  Batch batch{};
  batch.tokens = kTokens;
  kernels.run("gemm_" + name, {input.row(0), packed, output.data()}, batch, 3);
  std::vector<double> want = products(matrix, input.values);
  EXPECT_LT(nmse(output.data(), want.data(), want.size()), 1e-11);
  // One token at a time, with threads in other orders, gives the same bits.
  batch.tokens = 1;
  for (unsigned t = 0; t < kTokens; ++t) {
    kernels.seed(t);
    kernels.run("gemv_" + name, {input.row(t), packed, &single[t * kRows]},
                batch, 5);
  }
  kernels.seed(0);
  EXPECT_EQ(std::memcmp(output.data(), single.data(), output.size() * 4), 0);
}

/// Matrix units add in the order that lanes add in: the same bits, whatever the
/// tile, for tiles that end beyond the last token or row, and whether warps
/// divide rows or columns.
void checkUnits(EmulatedKernels &kernels, const Format &format,
                const Matrix &matrix) {
  std::string name(format.name);
  Activations input(kernels, format);
  std::vector<float> want(kTokens * kRows);
  kernels.allow("want", want.data(), want.size() * 4, true);
  auto *packed = const_cast<std::byte *>(matrix.packed.data());
  Batch batch{};
  batch.tokens = kTokens;
  kernels.run("gemm_" + name, {input.row(0), packed, want.data()}, batch, 3);
  for (auto [kernel, items] :
       {std::pair("mma_", 2), std::pair("tall_", 2), std::pair("four_", 1),
        std::pair("few_", 5), std::pair("more_", 3)}) {
    for (uint64_t seed : {0, 1}) {
      std::vector<float> output(kTokens * kRows);
      kernels.seed(seed);
      kernels.allow("output", output.data(), output.size() * 4, true);
      kernels.run(kernel + name, {input.row(0), packed, output.data()}, batch,
                  items);
      EXPECT_EQ(std::memcmp(output.data(), want.data(), output.size() * 4), 0)
          << kernel << " with seed " << seed;
    }
  }
  kernels.seed(0);
}

void checkEmbedding(EmulatedKernels &kernels, const Format &format,
                    const Matrix &matrix) {
  int32_t ids[kTokens];
  for (unsigned t = 0; t < kTokens; ++t)
    ids[t] = int32_t(t * 5 % kRows);
  Batch batch{};
  batch.tokens = kTokens;
  batch.tokenIds = ids;
  std::vector<float> rows(kTokens * kWidth);
  kernels.allow("ids", ids, sizeof(ids));
  kernels.allow("rows", rows.data(), rows.size() * 4, true);
  kernels.run("embed_" + std::string(format.name),
              {const_cast<std::byte *>(matrix.packed.data()), rows.data()},
              batch, kTokens);
  for (unsigned t = 0; t < kTokens; ++t)
    for (unsigned i = 0; i < kWidth; ++i)
      ASSERT_EQ(rows[t * kWidth + i], matrix.exact[ids[t] * kWidth + i])
          << "row " << ids[t] << " column " << i;
}

TEST(CudaKernels, MatmulAndEmbedOfEveryFormat) {
  std::string ops;
  for (const Format *format : allFormats())
    ops += kernelsOf(*format);
  EmulatedKernels kernels(ops);
  ASSERT_EQ(kernels.error, "");
  for (const Format *format : allFormats()) {
    SCOPED_TRACE(format->name);
    kernels.reset();
    Matrix matrix(*format, kRows, kWidth);
    kernels.allow("weights", matrix.packed.data(),
                  matrix.layout.matrixBytes(kRows, kWidth));
    checkProducts(kernels, *format, matrix);
    if (hasUnits(*format))
      checkUnits(kernels, *format, matrix);
    checkEmbedding(kernels, *format, matrix);
  }
}

/// Gate and up each have a bias: matrix units add the ones that lanes add.
TEST(CudaKernels, BiasesOfSegments) {
  constexpr unsigned kGated = 64;
  const Format &format = *findFormat("q8_0");
  auto gated = [&](const char *name, const char *config) {
    return fmt::format(
        "tile.kernel @{} #tile.gemm<format = \"q8_0\", weightRows = {}, input "
        "= "
        "{}, output = <width = {}, stride = {}>, segments "
        "= 2, bias = true> config #tile.config<{}> {{\n^bb0(%g: f32, %u: "
        "f32):\n  %y = arith.mulf %g, %u : f32\n  tile.yield %y : f32\n}}\n",
        name, 2 * kGated, rowsOf(format), kGated, kGated, config);
  };
  EmulatedKernels kernels(
      gated("lanes", "rowGroups = 2, tokens = 4") +
      gated("units", "rowGroups = 4, tokens = 32, mma = true") +
      fmt::format("tile.kernel @quantize #tile.elementwise<[{}] -> {}> config "
                  "#tile.config<columns = 256> {{}}\n",
                  kWidth, rowsOf(format)));
  ASSERT_EQ(kernels.error, "");
  const Q8Layout layout = Q8Layout::of(kWidth, sumsFor(format.form));
  Matrix matrix(format, 2 * kGated, kWidth);
  std::vector<float> floats(kTokens * kWidth), bias(2 * kGated);
  fillNormal(floats.data(), floats.size(), 3);
  fillNormal(bias.data(), bias.size(), 4);
  std::vector<std::byte> rows(kTokens * layout.rowBytes);
  std::vector<float> lanes(kTokens * kGated), units(kTokens * kGated);
  auto allow = [&](const char *name, auto &values) {
    kernels.allow(name, values.data(), values.size() * sizeof(values[0]));
  };
  allow("floats", floats), allow("bias", bias), allow("rows", rows);
  allow("lanes", lanes), allow("units", units);
  allow("weights", matrix.packed);
  Batch batch{};
  batch.tokens = kTokens;
  kernels.run("quantize", {floats.data(), rows.data()}, batch, kTokens * 2);
  for (auto [name, output, items] :
       {std::tuple("lanes", &lanes, 4), std::tuple("units", &units, 2)})
    kernels.run(
        name, {rows.data(), matrix.packed.data(), bias.data(), output->data()},
        batch, items);
  EXPECT_EQ(std::memcmp(lanes.data(), units.data(), lanes.size() * 4), 0);
  const std::vector<double> sums =
      products(matrix, {readQ8(rows.data(), layout)});
  for (unsigned column = 0; column < kGated; ++column) {
    const unsigned row = column / 16 * 32 + column % 16;
    const double want =
        (sums[row] + bias[column]) * (sums[row + 16] + bias[kGated + column]);
    EXPECT_NEAR(lanes[column], want, 1e-4 * (1 + std::fabs(want)));
  }
}

/// What the printer refuses, by its message.
void expectRefusal(const std::string &op, const std::string &message) {
  EXPECT_EQ(EmulatedKernels(op).error, message);
}

TEST(CudaKernels, RefusalsNameKernelAndReason) {
  expectRefusal("tile.kernel @k #tile.embed<format = \"q9\", weightRows = 16, "
                "output = <width = 256, stride = 256>> {}",
                "kernel 'k': weight format 'q9' is unknown");
  std::string gemm = "tile.kernel @k #tile.gemm<format = \"q8_0\", weightRows "
                     "= 16, input = <width = 32, {}>, output = <width = 16, {}>"
                     "> config #tile.config<rowGroups = 1> {{}}";
  expectRefusal(fmt::format(fmt::runtime(gemm), "stride = 32", "stride = 16"),
                "kernel 'k': weights of q8_0 take 8-bit activations, found "
                "float32");
  expectRefusal(fmt::format(fmt::runtime(gemm), "q8 = true", "q8 = true"),
                "kernel 'k': 16 weight rows in items of 1 row groups; this "
                "output needs multiples of 32 rows");
  std::string units =
      "tile.kernel @k #tile.gemm<format = \"{}\", weightRows = 64, input = "
      "<width = 32, {}>, output = <width = 64, stride = 64>> config "
      "#tile.config<rowGroups = {}, tokens = 64, mma = true> {{}}";
  expectRefusal(fmt::format(fmt::runtime(units), "q8_0", "q8 = true", 6),
                "kernel 'k': matrix units take no tiles of 6 row groups and 64 "
                "tokens");
  expectRefusal("tile.kernel @k #tile.gemm<format = \"q8_0\", weightRows = 64, "
                "input = <width = 32, q8 = true>, output = <width = 64, stride "
                "= 64>, decode = true> config #tile.config<tokens = 32, mma = "
                "true> {}",
                "kernel 'k': matrix units take no tiles of 1 row groups and 32 "
                "tokens");
  expectRefusal("tile.kernel @k #tile.gemm<format = \"q8_0\", weightRows = 64, "
                "input = <width = 32, q8 = true>, output = <width = 64, stride "
                "= 64>> config #tile.config<rowGroups = 4, tokens = 64, mma = "
                "true, wgmma = true> {}",
                "kernel 'k': products of four warps take tiles of 8 row groups "
                "and 64 tokens of matrix units, found 4 and 64");
  expectRefusal("tile.kernel @k #tile.gemm<format = \"q8_0\", weightRows = 64, "
                "input = <width = 32, q8 = true>, output = <width = 64, stride "
                "= 64>, decode = true> config #tile.config<rowGroups = 8, "
                "tokens = 64, wgmma = true> {}",
                "kernel 'k': products of four warps take tiles of 8 row groups "
                "and 64 tokens of matrix units, found 8 and 64 of lanes that "
                "decode");
  expectRefusal(
      "tile.kernel @k #tile.grouped_gemm<format = \"q8_0\", experts "
      "= 2, top = 1, weightRows = 128, input = <width = 32, q8 = "
      "true>, output = <width = 128, stride = 128>> config "
      "#tile.config<rowGroups = 8, tokens = 64, mma = true, wgmma = "
      "true> {}",
      "kernel 'k': products of four warps are of one tile of tokens a "
      "block, found blocks that take several");
  expectRefusal("tile.kernel @k #tile.elementwise<[8] -> <width = 8, stride = "
                "8>> {}",
                "kernel 'k': it has no tile configuration");
  expectRefusal("tile.kernel @k #tile.elementwise<[40] -> <width = 40, q8 = "
                "true>> config #tile.config<columns = 40> {}",
                "kernel 'k': rows of 40 in items of 40 columns; 8-bit rows "
                "need multiples of 32");
  expectRefusal("tile.kernel @k #tile.norm<input = <width = 64, stride = 64>, "
                "output = <width = 64, q8 = true>, group = 32, epsilon = "
                "1.0e-6 : f64> {}",
                "kernel 'k': an 8-bit norm needs one group of a multiple of "
                "32, found rows of 64 in groups of 32");
  expectRefusal("tile.kernel @k #tile.heads<queryHeads = 1, keyWidth = 8, "
                "rotary = 12> {}",
                "kernel 'k': rotates 12 of 8 elements of a head");
  std::string attention =
      "tile.kernel @k #tile.attention<heads = {}, cacheHeads = 2, keyWidth = "
      "8, valueWidth = 8, scale = 1.0 : f64, queryStride = 8, output = <width "
      "= 8, {}>> {{}}";
  expectRefusal(fmt::format(fmt::runtime(attention), 3, "stride = 8"),
                "kernel 'k': 3 heads over 2 cache heads");
  expectRefusal(fmt::format(fmt::runtime(attention), 2, "q8 = true"),
                "kernel 'k': 8-bit output of heads 8 wide; expected a multiple "
                "of 32");
  expectRefusal("tile.kernel @k #tile.elementwise<[8] -> <width = 8, stride = "
                "8>> config #tile.config<columns = 8> {\n^bb0(%x: f32):\n  %y "
                "= math.cos %x : f32\n  tile.yield %y : f32\n}",
                "kernel 'k': its body has a math.cos, which is not printed");
}

} // namespace
