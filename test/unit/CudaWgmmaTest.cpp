/// gemm by products of four warps (prelude/WgmmaGemm.cuh): the bits that lanes
/// give, on an emulated device; and the machine code that NVRTC makes of it for
/// sm_90a, of every format.
#include "codegen/cuda/CudaSource.h"
#include "codegen/cuda/CudaTarget.h"
#include "codegen/cuda/Nvrtc.h"
#include "codegen/cuda/Resources.h"
#include "test/unit/EmulatedKernels.h"
#include "test/unit/RandomMatrix.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::test;

namespace {

struct Case {
  const char *format;
  unsigned rows, width, tokens;
};

/// A product with a hole over two segments and quantised output, by lanes and
/// by four warps, and what makes its rows.
std::string kernelsOf(const Case &c, unsigned sums) {
  std::string ops;
  for (auto [name, config] :
       {std::pair("lanes", "rowGroups = 4, tokens = 4"),
        std::pair("four",
                  "rowGroups = 8, tokens = 64, mma = true, wgmma = true")})
    ops += fmt::format(
        "tile.kernel @{} #tile.gemm<format = \"{}\", weightRows = {}, input = "
        "<width = {}, q8 = true, sums = {}>, output = <width = {}, q8 = true, "
        "sums = 1>, segments = 2> config #tile.config<{}> {{\n^bb0(%a: f32, "
        "%b: f32):\n  %r = arith.mulf %a, %b : f32\n  tile.yield %r : f32\n}}"
        "\n",
        name, c.format, c.rows, c.width, sums, c.rows / 2, config);
  return ops + fmt::format("tile.kernel @quantize #tile.elementwise<[{0}] -> "
                           "<width = {0}, q8 = true, sums = {1}>> config "
                           "#tile.config<columns = 32> {{}}\n",
                           c.width, sums);
}

void checkCase(const Case &c) {
  SCOPED_TRACE(c.format);
  const Format &format = *findFormat(std::string_view(c.format));
  unsigned sums = sumsFor(format.form);
  EmulatedKernels kernels(kernelsOf(c, sums));
  ASSERT_EQ(kernels.error, "");
  Matrix matrix(format, c.rows, c.width);
  auto *packed = const_cast<std::byte *>(matrix.packed.data());
  kernels.allow("weights", packed, matrix.layout.matrixBytes(c.rows, c.width));
  Q8Layout in = Q8Layout::of(c.width, sums), out = Q8Layout::of(c.rows / 2, 1);
  std::vector<float> floats(c.tokens * c.width);
  fillNormal(floats.data(), floats.size(), 3);
  kernels.allow("floats", floats.data(), floats.size() * 4);
  std::vector<std::byte> rows(c.tokens * in.rowBytes);
  kernels.allow("rows", rows.data(), rows.size(), true);
  Batch batch{};
  batch.tokens = c.tokens;
  kernels.run("quantize", {floats.data(), rows.data()}, batch,
              c.tokens * (c.width / 32));
  std::vector<std::byte> want(c.tokens * out.rowBytes), got(want);
  kernels.allow("want", want.data(), want.size(), true);
  kernels.allow("got", got.data(), got.size(), true);
  kernels.run("lanes", {rows.data(), packed, want.data()}, batch,
              (c.rows + 63) / 64);
  for (uint64_t seed : {0, 5}) {
    kernels.seed(seed);
    std::fill(got.begin(), got.end(), std::byte(0));
    kernels.run("four", {rows.data(), packed, got.data()}, batch,
                (c.rows + 127) / 128 * ((c.tokens + 63) / 64));
    EXPECT_TRUE(got == want) << "seed " << seed;
  }
}

/// Several tiles of rows and tokens, of which the last ones are not full; a
/// width that ends within a stage, of one run or several units a run. The bits
/// of lanes, in several orders of threads.
TEST(CudaWgmma, ManyTilesGiveTheBitsOfLanes) {
  for (const Case &c : {Case{"q4_k", 192, 768, 70}, Case{"q6_k", 320, 256, 130},
                        Case{"q8_0", 64, 32, 1}, Case{"q5_1", 128, 96, 65},
                        Case{"q4_0", 128, 1088, 66}})
    checkCase(c);
}

/// The kernel of a format's text for NVRTC, alone.
KernelText textOf(const Format &format) {
  mlir::MLIRContext context;
  context.loadDialect<SinterDialect, tile::TileDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      fmt::format(
          "tile.kernel @k #tile.gemm<format = \"{}\", weightRows = 4096, input "
          "= <width = 4096, q8 = true, sums = {}>, output = <width = 4096, "
          "stride = 4096>> config #tile.config<rowGroups = 8, tokens = 64, mma "
          "= true, wgmma = true> {{}}",
          format.name, sumsFor(format.form)),
      &context);
  EXPECT_TRUE(module);
  auto text = printKernel(*module->getOps<tile::KernelOp>().begin());
  EXPECT_TRUE(bool(text));
  return std::move(*text);
}

/// How many instructions of machine code multiply bytes by four warps. An
/// instruction has 16 bytes, of which nvdisasm names those IGMMA that have this
/// opcode in their lowest 12 bits.
size_t countIgmma(const std::string &cubin) {
  constexpr uint16_t kOpcode = 0xdf1;
  size_t count = 0;
  for (size_t at = 0; at + 16 <= cubin.size(); at += 16) {
    uint16_t low;
    std::memcpy(&low, &cubin[at], sizeof(low));
    count += low == (0x7000 | kOpcode); // without a predicate
  }
  return count;
}

TEST(CudaWgmma, CompilesForHopperAndOverlaps) {
  const CudaTarget &hopper = *findCudaTarget("sm_90a");
  for (const Format *format : allFormats()) {
    if (format->form.family == Family::Plain)
      continue;
    SCOPED_TRACE(format->name);
    KernelText text = textOf(*format);
    auto code = compileDevice(deviceSource(text), hopper.name);
    std::string error = code ? "" : llvm::toString(code.takeError());
    if (error.find("there is no libnvrtc") != std::string::npos)
      GTEST_SKIP() << error;
    ASSERT_EQ(error, "");
    auto needs = resourcesOf(text, *code);
    ASSERT_TRUE(bool(needs));
    EXPECT_EQ(obstacleOf(*needs, hopper), "") << code->log;
    EXPECT_EQ(residentWarps(*needs, hopper), 16u);
    EXPECT_GE(countIgmma(code->cubin), format->form.group < 32 ? 2u : 1u);
    EXPECT_NE(code->ptx.find("cp.async.cg.shared.global"), std::string::npos);
  }
}

/// Later GPUs have no such products: their PTX has those of a warp, and no more
/// shared memory than the launch adds, which the smallest of them has.
TEST(CudaWgmma, TextForLaterGpusHasTilesOfMma) {
  KernelText text = textOf(*findFormat("q4_k"));
  auto code = compileDevice(deviceSource(text), "compute_90");
  std::string error = code ? "" : llvm::toString(code.takeError());
  if (error.find("there is no libnvrtc") != std::string::npos)
    GTEST_SKIP() << error;
  ASSERT_EQ(error, "");
  EXPECT_EQ(code->ptx.find("wgmma"), std::string::npos);
  EXPECT_NE(code->ptx.find("mma.sync.aligned.m16n8k32"), std::string::npos);
  for (const Format *format : allFormats()) {
    if (format->form.family == Family::Plain)
      continue;
    EXPECT_LE(textOf(*format).dynamicShared,
              findCudaTarget("sm_121")->sharedPerBlock);
  }
  auto later = compileDevice(deviceSource(text), "sm_120");
  ASSERT_TRUE(bool(later)) << llvm::toString(later.takeError());
  auto needs = resourcesOf(text, *later);
  ASSERT_TRUE(bool(needs));
  EXPECT_EQ(obstacleOf(*needs, *findCudaTarget("sm_120")), "");
  EXPECT_EQ(needs->shared, 0u);
}

/// A kernel that touches what a product still reads: ptxas takes the products
/// apart, says so in its log, and that is an obstacle.
TEST(CudaWgmma, ProductsThatCannotOverlapAreAnObstacle) {
  std::string source = deviceSource({}) + R"(
extern "C" __global__ void __launch_bounds__(128)
k(unsigned *words, unsigned count, uint64_t tile) {
  WgmmaSums sums = {};
  WgmmaWeights weights = {};
  unsigned total = 0;
#pragma unroll 1
  for (unsigned i = 0; i < count; ++i) {
    fenceProducts();
    multiplyWarpgroup<true>(sums, weights, tile + 2 * i);
    commitProducts();
    for (unsigned w = 0; w < 4; ++w)
      weights.put(w, words[4 * i + w] & 0xf0f0f0f);
    waitForProducts<0>(sums);
#pragma unroll
    for (unsigned w = 0; w < WgmmaSums::count; ++w)
      total += sums.get(w);
  }
  words[threadIndex()] = total;
}
)";
  auto code = compileDevice(source, "sm_90a");
  std::string error = code ? "" : llvm::toString(code.takeError());
  if (error.find("there is no libnvrtc") != std::string::npos)
    GTEST_SKIP() << error;
  ASSERT_EQ(error, "");
  KernelText text;
  text.name = "k";
  auto needs = resourcesOf(text, *code);
  ASSERT_TRUE(bool(needs));
  EXPECT_EQ(obstacleOf(*needs, *findCudaTarget("sm_90a")),
            "its products of four warps are serialised");
}

} // namespace
