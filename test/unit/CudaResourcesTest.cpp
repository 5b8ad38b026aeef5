/// What is read out of ptxas's log, and the limits of multiprocessors; the
/// facts of all targets against what they must be.
#include "codegen/cuda/CudaSource.h"
#include "codegen/cuda/CudaTarget.h"
#include "codegen/cuda/KernelCache.h"
#include "codegen/cuda/KernelText.h"
#include "codegen/cuda/Nvrtc.h"
#include "codegen/cuda/Resources.h"
#include "dialects/tile/Tile.h"

#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>

using namespace sinter;
using namespace sinter::cuda;

namespace {

const DeviceCode kCode = {
    ".visible .entry k()\n.maxntid 128\n", "",
    "ptxas info    : Compiling entry function 'k' for 'sm_121a'\n"
    "ptxas         .     16 bytes stack frame, 8 bytes spill stores, 12 bytes "
    "spill loads\n"
    "ptxas info    : Used 40 registers, used 1 barriers, 16 bytes cumulative "
    "stack size, 1280 bytes smem\n"};

KernelText kernelNamed(const char *name) {
  KernelText kernel;
  kernel.name = name;
  kernel.dynamicShared = 64;
  return kernel;
}

TEST(CudaResources, AreReadFromTheLog) {
  auto needs = resourcesOf(kernelNamed("k"), kCode);
  ASSERT_TRUE(bool(needs));
  EXPECT_EQ(needs->threads, 128u);
  EXPECT_EQ(needs->registers, 40u);
  EXPECT_EQ(needs->stack, 16u);
  EXPECT_EQ(needs->spills, 20u);
  EXPECT_EQ(needs->shared, 1280u);
  EXPECT_EQ(needs->dynamic, 64u);
  DeviceCode silent = kCode;
  silent.log = "ptxas info: nothing";
  auto none = resourcesOf(kernelNamed("k"), silent);
  EXPECT_EQ(llvm::toString(none.takeError()),
            "kernel 'k': NVRTC does not tell what it needs: ptxas info: "
            "nothing");
}

TEST(CudaResources, ResidentWarpsAreThoseOfTheScarcestResource) {
  const CudaTarget &gb10 = *findCudaTarget("sm_121");
  KernelResources kernel = {"k", 128, 32, 0, 0, 0};
  EXPECT_EQ(residentWarps(kernel, gb10), 48u); // all
  kernel.registers = 64; // 4 warps * 64 * 32 of 65536: 8 blocks
  EXPECT_EQ(residentWarps(kernel, gb10), 32u);
  kernel.registers = 65; // in runs of 256 a warp: 72
  EXPECT_EQ(residentWarps(kernel, gb10), 28u);
  kernel = {"k", 128, 32, 0, 0, 24 << 10}; // 25 KiB each of 100
  EXPECT_EQ(residentWarps(kernel, gb10), 16u);
  kernel.shared = 101 << 10;
  EXPECT_EQ(residentWarps(kernel, gb10), 0u);
  kernel = {"k", 32, 16, 0, 0, 0}; // as many blocks as there may be
  EXPECT_EQ(residentWarps(kernel, gb10), 24u);
  EXPECT_EQ(residentWarps(kernel, *findCudaTarget("sm_90")), 32u);
}

TEST(CudaResources, ObstaclesAreNamed) {
  const CudaTarget &gb10 = *findCudaTarget("sm_121a");
  EXPECT_EQ(obstacleOf({"k", 128, 40, 0, 0, 1280}, gb10), "");
  EXPECT_EQ(obstacleOf({"k", 128, 40, 8, 16, 0}, gb10), "spills 16 bytes");
  EXPECT_EQ(obstacleOf({"k", 128, 40, 8, 0, 0}, gb10),
            "keeps 8 bytes on the stack");
  EXPECT_EQ(obstacleOf({"k", 128, 40, 0, 0, 100 << 10}, gb10),
            "needs 102400 bytes of shared memory, a block has 101376");
  EXPECT_EQ(obstacleOf({"k", 1024, 255, 0, 0, 0}, gb10),
            "no block fits a multiprocessor");
  EXPECT_EQ(
      resourceTable(
          {{"gemm", 128, 40, 0, 0, 1280}, {"norm", 128, 29, 0, 4, 128}}, gb10),
      "kernel threads registers shared warps of 48\n"
      "gemm       128        40   1280    48\n"
      "norm       128        29    128    48  spills 4 bytes\n"
      "2 kernels on sm_121a (GB10), 1 with an obstacle\n");
}

TEST(CudaResources, TargetsHaveAllTheirFacts) {
  std::set<std::string_view> names;
  for (const CudaTarget *target : cudaTargets()) {
    SCOPED_TRACE(target->name);
    EXPECT_TRUE(names.insert(target->name).second);
    EXPECT_EQ(findCudaTarget(target->name), target);
    EXPECT_LT(target->sharedPerBlock, target->sharedPerSm + 1);
    EXPECT_GE(target->multiprocessors, 40u);
    EXPECT_GE(target->bandwidth, 100e9);
    EXPECT_GT(target->peaks.f16, target->peaks.f32);
    // Bytes go at least as fast as halves, and four-bit floats faster.
    EXPECT_GE(target->peaks.int8, target->peaks.f16);
    EXPECT_TRUE(target->peaks.fp4 == 0 ||
                target->peaks.fp4 > target->peaks.int8);
  }
  EXPECT_EQ(names.size(), 8u);
  EXPECT_EQ(findCudaTarget("sm_90"), findCudaTarget("sm_90a"));
  EXPECT_EQ(findCudaTarget("sm_12"), nullptr);
  EXPECT_EQ(findCudaTarget(""), nullptr);
}

/// Tiles of bytes, of halves, of TF32, of scaled 4-bit floats, and copies.
constexpr const char *kInstructions = R"(
extern "C" __global__ void instructions(Operands<1> operands) {
  __shared__ SharedBytes<64> bytes;
  auto *words = static_cast<uint32_t *>(operands.at[0]);
  bytes.copy<16>(0, words);
  commitCopies();
  waitForCopies<0>();
  const uint32_t a[4] = {bytes.get<uint32_t>(0), words[1], words[2], words[3]};
  const uint32_t b[2] = {words[4], words[5]};
  int products[4] = {};
  float sums[4] = {};
  mmaBytes(products, a, b);
  mmaBytes(products, {a[0], a[1]}, b[0]);
  mmaHalves(sums, a, b);
  mmaTf32(sums, a, b);
  sums[0] = roundToTf32(sums[0]);
#ifdef EARLY
  beginEarly<nothingAhead>(nullptr);
#endif
#ifdef FP4
  mmaFloats4By32(sums, a, b, words[6], words[7]);
  mmaFloats4By16(sums, a, b, words[6], words[7]);
#endif
#ifdef WGMMA
  struct Work {
    SharedTile<8192> tile;
    SharedBarrier barrier;
  };
  auto &work = dynamicShared<Work, 16384>();
  work.barrier.begin(1);
  fenceSharedWrites();
  work.barrier.expect(16);
  work.tile.copyBulk(0, words, 16, work.barrier);
  work.barrier.wait(0);
  WgmmaSums both[2] = {};
  WgmmaWeights weights = {};
  weights.put(0, a[0]);
  fenceProducts();
  multiplyWarpgroup<true>(both[0], weights, work.tile.address(0) >> 4);
  multiplyWarpgroup<false>(both[1], weights, work.tile.address(0) >> 4);
  commitProducts();
  waitForProducts<0>(both[0], both[1]);
  for (int i = 0; i < 32; ++i)
    words[i] = both[0].get(i) + both[1].get(i);
#endif
  for (int i = 0; i < 4; ++i)
    words[i] = products[i] + int(sums[i]);
}
)";

/// The real forms of Mma.cuh are what NVRTC takes, wherever a target says that
/// it has them, and only there.
TEST(CudaResources, TargetsHaveTheInstructionsOfTheirFeatures) {
  for (const CudaTarget *target : cudaTargets())
    for (const char *feature : {"mma", "fp4", "wgmma", "early"}) {
      bool has =
          ("," + std::string(target->features) + ",")
              .find("," + std::string(feature) + ",") != std::string::npos;
      std::string define = "#define " + llvm::StringRef(feature).upper() + "\n";
      auto code = compileDevice(define + deviceSource({}) + kInstructions,
                                llvm::StringRef(target->name));
      std::string error = code ? "" : llvm::toString(code.takeError());
      if (error.find("there is no libnvrtc") != std::string::npos)
        GTEST_SKIP() << error;
      EXPECT_EQ(error.empty(), has)
          << target->name << " and " << feature << ": " << error;
    }
}

/// A head's state of 128 by 128, and what its chunk's tokens share, fill what
/// the smallest GPU has for a block; no register spills.
TEST(CudaResources, ScansInChunksFitEveryTargetWithMatrixUnits) {
  mlir::MLIRContext context;
  context.loadDialect<tile::TileDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(
      "tile.kernel @scan #tile.scan<delta = true, keyHeads = 16, valueHeads = "
      "32, keyWidth = 128, valueWidth = 128, mixedStride = 8192, alphaStride = "
      "32, betaStride = 32, epsilon = 1.0e-6 : f64, grouped = true, inPlace = "
      "true, chunk = 16, stateRows = 161> {}",
      &context);
  ASSERT_TRUE(module);
  auto texts = printKernels(*module);
  ASSERT_TRUE(bool(texts));
  for (const CudaTarget *target : cudaTargets()) {
    if (target->features.find("mma") == std::string_view::npos)
      continue;
    auto code = compileDevice(deviceSource(*texts), target->name);
    if (!code) {
      std::string error = llvm::toString(code.takeError());
      if (error.find("there is no libnvrtc") != std::string::npos)
        GTEST_SKIP() << error;
      FAIL() << target->name << ": " << error;
    }
    auto needs = resourcesOf(texts->front(), *code);
    ASSERT_TRUE(bool(needs));
    EXPECT_EQ(obstacleOf(*needs, *target), "") << target->name;
    EXPECT_GT(needs->dynamic, 64u << 10);
  }
}

TEST(KernelCache, GivesBackWhatWasKeptAndRefusesWhatWasAltered) {
  namespace fs = std::filesystem;
  fs::path folder = fs::path(testing::TempDir()) / "kernel-cache";
  fs::remove_all(folder);
  setenv("XDG_CACHE_HOME", folder.c_str(), 1);
  EXPECT_FALSE(readKernelCache("key"));
  writeKernelCache("key", {"ptx", std::string("cu\0bin", 6), "log"});
  auto known = readKernelCache("key");
  ASSERT_TRUE(known);
  EXPECT_EQ(known->ptx, "ptx");
  EXPECT_EQ(known->cubin, std::string("cu\0bin", 6));
  EXPECT_EQ(known->log, "log");
  EXPECT_FALSE(readKernelCache("other"));
  fs::path file = fs::directory_iterator(folder / "sinter/nvrtc")->path();
  std::fstream(file, std::ios::in | std::ios::out).seekp(50).put('X');
  EXPECT_FALSE(readKernelCache("key"));
  fs::resize_file(file, 30);
  EXPECT_FALSE(readKernelCache("key"));
}

} // namespace
