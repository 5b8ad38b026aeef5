/// Products of four warps, barriers in shared memory and bulk copies on an
/// emulated device: tiles against the PTX manual's figures, and each way to
/// forget what they ask of a kernel.
#include "test/unit/PlantedKernels.h"

#include <cstring>
#include <numeric>
#include <random>

using namespace sinter;
using namespace sinter::test;

namespace {

constexpr const char *kKernels = R"(
enum Fault {
  None, EarlySum, EarlyWeights, EarlyTile, EarlyCopy, NoSharedFence, NoBarrier,
  NoProductFence, NoCommit, OtherTile, MissingWarp, Outside, Crooked, Lost,
  SumsTwice, LateWrite, ByCopies, CopiesNotFenced, CopiesFencedEarly,
  CopiesNotWaited
};
struct Input {
  uint64_t descriptor; ///< without its address
  uint32_t weights[128][4];
  alignas(16) uint32_t tile[4096];
};

/// One product of a tile that the test has laid out, with one thing wrong.
template <bool sign, Fault fault>
void product(void *const *operands, const Batch &) {
  __shared__ SharedTile<16384> tile;
  __shared__ SharedBarrier barrier;
  const unsigned self = threadIndex();
  const auto &input = *static_cast<const Input *>(operands[1]);
  if (self == 0)
    barrier.begin(1);
  if (fault < ByCopies)
    for (unsigned i = self; i < 4096; i += 128)
      tile.put(4 * i, input.tile[i]);
  else
    for (unsigned i = self; i < 1024; i += 128)
      tile.copy<16>(16 * i, input.tile + 4 * i);
  commitCopies();
  if (fault == CopiesFencedEarly)
    fenceSharedWrites();
  if (fault != CopiesNotWaited)
    waitForCopies<0>();
  if (fault != NoSharedFence && fault < CopiesNotFenced)
    fenceSharedWrites();
  if (fault != NoBarrier)
    syncBlock();
  WgmmaWeights weights;
  WgmmaSums sums;
  for (unsigned i = 0; i < 4; ++i)
    weights.put(i, input.weights[self][i]);
  uint64_t descriptor = input.descriptor | tile.address(0) >> 4;
  if (fault == OtherTile && warpIndex() == 2)
    descriptor += 2;
  if (fault == Outside)
    descriptor += 4096;
  if (fault == Crooked)
    descriptor |= 1ull << 49;
  if (fault == MissingWarp && warpIndex() == 3)
    return;
  if (fault != NoProductFence)
    fenceProducts();
  if (fault == Lost) {
    WgmmaSums others;
    fenceProducts();
    multiplyWarpgroup<sign>(others, weights, descriptor);
    return;
  }
  multiplyWarpgroup<sign>(sums, weights, descriptor);
  if (fault == SumsTwice)
    multiplyWarpgroup<sign>(sums, weights, descriptor);
  if (fault != NoCommit)
    commitProducts();
  if (fault == EarlySum)
    sums.get(0);
  if (fault == EarlyWeights)
    weights.put(0, 1);
  if (fault == EarlyTile)
    tile.put(0, 1);
  if (fault == EarlyCopy && self == 0) {
    barrier.expect(16);
    tile.copyBulk(0, input.tile, 16, barrier);
  }
  waitForProducts<0>(sums);
  if (fault == LateWrite) // warps may still wait
    tile.put(4 * self, 1);
  for (unsigned i = 0; i < WgmmaSums::count; ++i)
    store(output(operands) + self * WgmmaSums::count + i, sums.get(i));
}

/// Two products on their way, of which the first is waited for alone; the tile
/// as the kernels lay it out.
template <bool early> void twoProducts(void *const *operands, const Batch &) {
  __shared__ SharedTile<8192> tile;
  const unsigned self = threadIndex();
  const auto &input = *static_cast<const Input *>(operands[1]);
  for (unsigned i = self; i < 512; i += 128)
    for (unsigned word = 0; word < 4; ++word)
      tile.put(swizzled(i / 8, i % 8) + 4 * word, input.tile[4 * i + word]);
  fenceSharedWrites();
  syncBlock();
  WgmmaWeights weights;
  WgmmaSums sums[2];
  for (unsigned i = 0; i < 4; ++i)
    weights.put(i, input.weights[self][i]);
  fenceProducts();
  for (unsigned i = 0; i < 2; ++i) {
    multiplyWarpgroup<true>(sums[i], weights,
                            swizzledRows(tile.address(32 * i)));
    commitProducts();
  }
  waitForProducts<1>(sums[0]);
  for (unsigned i = 0; i < WgmmaSums::count; ++i)
    store(output(operands) + self * WgmmaSums::count + i, sums[early].get(i));
  waitForProducts<0>(sums[1]);
  for (unsigned i = 0; i < WgmmaSums::count; ++i)
    store(output(operands) + 4096 + self * WgmmaSums::count + i,
          sums[1].get(i));
}

enum CopyFault {
  Fine, NoWait, WrongParity, SecondPhaseEarly, FewerExpected, MoreExpected,
  TooMany, NotFenced, NotOrdered, NotBegun, CrookedCopy, OverReaders, OneWaits,
  OneWaitsUnordered
};
/// Each thread copies 32 bytes in two phases and reads its mirror's.
template <CopyFault fault>
void copies(void *const *operands, const Batch &) {
  __shared__ SharedTile<4096> tile;
  __shared__ SharedBarrier barrier;
  const unsigned self = threadIndex();
  const auto *input = static_cast<const char *>(operands[1]);
  if (self == 0 && fault != NotBegun) {
    barrier.begin(fault == TooMany ? 100 : 128);
    if (fault != NotFenced)
      fenceSharedWrites();
  }
  if (fault != NotOrdered)
    syncBlock();
  for (unsigned phase = 0; phase < 2; ++phase) {
    barrier.expect(fault == FewerExpected   ? 16
                   : fault == MoreExpected ? 48
                                           : 32);
    if (fault == TooMany) // arrive before anything is copied
      syncBlock();
    tile.copyBulk(32 * self + (fault == CrookedCopy ? 8 : 0),
                  input + 4096 * phase + 32 * self, 32, barrier);
    if (fault != OverReaders) // readers find a copy that has begun
      syncBlock();
    const bool waits = fault == OneWaits || fault == OneWaitsUnordered
                           ? self == 5
                           : fault != NoWait;
    if (waits && !(fault == SecondPhaseEarly && phase == 1))
      barrier.wait(fault == WrongParity ? 1 - phase : phase);
    if (fault == OneWaits)
      syncBlock();
    store(output(operands) + 128 * phase + self,
          tile.get<int>(32 * (127 - self) + 4));
    if (fault != OverReaders)
      syncBlock();
  }
}
)";

constexpr PlantedName kNames[] = {
    {"signedProduct", "product<true, planted::None>"},
    {"unsignedProduct", "product<false, planted::None>"},
    {"EarlySum", "product<true, planted::EarlySum>"},
    {"EarlyWeights", "product<true, planted::EarlyWeights>"},
    {"EarlyTile", "product<true, planted::EarlyTile>"},
    {"EarlyCopy", "product<true, planted::EarlyCopy>"},
    {"NoSharedFence", "product<true, planted::NoSharedFence>"},
    {"NoBarrier", "product<true, planted::NoBarrier>"},
    {"NoProductFence", "product<true, planted::NoProductFence>"},
    {"NoCommit", "product<true, planted::NoCommit>"},
    {"OtherTile", "product<true, planted::OtherTile>"},
    {"MissingWarp", "product<true, planted::MissingWarp>"},
    {"Outside", "product<true, planted::Outside>"},
    {"Crooked", "product<true, planted::Crooked>"},
    {"Lost", "product<true, planted::Lost>"},
    {"SumsTwice", "product<true, planted::SumsTwice>"},
    {"LateWrite", "product<true, planted::LateWrite>"},
    {"ByCopies", "product<true, planted::ByCopies>"},
    {"CopiesNotFenced", "product<true, planted::CopiesNotFenced>"},
    {"CopiesFencedEarly", "product<true, planted::CopiesFencedEarly>"},
    {"CopiesNotWaited", "product<true, planted::CopiesNotWaited>"},
    {"twoProducts", "twoProducts<false>"},
    {"twoProductsEarly", "twoProducts<true>"},
    {"copies", "copies<planted::Fine>"},
    {"NoWait", "copies<planted::NoWait>"},
    {"WrongParity", "copies<planted::WrongParity>"},
    {"SecondPhaseEarly", "copies<planted::SecondPhaseEarly>"},
    {"FewerExpected", "copies<planted::FewerExpected>"},
    {"MoreExpected", "copies<planted::MoreExpected>"},
    {"TooMany", "copies<planted::TooMany>"},
    {"NotFenced", "copies<planted::NotFenced>"},
    {"NotOrdered", "copies<planted::NotOrdered>"},
    {"NotBegun", "copies<planted::NotBegun>"},
    {"CrookedCopy", "copies<planted::CrookedCopy>"},
    {"OverReaders", "copies<planted::OverReaders>"},
    {"OneWaits", "copies<planted::OneWaits>"},
    {"OneWaitsUnordered", "copies<planted::OneWaitsUnordered>"},
};

/// What the planted kernels call Input.
struct Input {
  uint64_t descriptor = 0;
  uint32_t weights[128][4] = {};
  alignas(16) uint32_t tile[4096] = {};
};

class WgmmaEmulation : public testing::Test {
protected:
  void SetUp() override { device().reset(); }
  void TearDown() override { device().reset(); }

  /// Compiled once for all tests.
  static const PlantedKernels &device() {
    static const PlantedKernels kernels(kKernels, kNames, 128);
    return kernels;
  }
  std::string run(const char *name, void *input) {
    return device().run(name, {values.data(), input});
  }
  void expectFault(const char *name, void *input, const char *message) {
    for (uint64_t seed : {0, 9}) {
      device().reset();
      device().seed(seed);
      std::string fault = run(name, input);
      EXPECT_NE(fault.find(message), std::string::npos)
          << name << " with seed " << seed << ": " << fault;
    }
  }

  std::vector<int32_t> values = std::vector<int32_t>(8192);
};

/// The PTX manual's figures: where byte k of column n of b lies, for each of
/// its swizzles, and what the descriptor says of it.
struct TileLayout {
  const char *name;
  unsigned mode, pitch, rowsOfPattern; ///< rows that change places alike

  unsigned place(unsigned n, unsigned k) const {
    if (mode == 0) // blocks of 8 rows and 16 bytes, those of k 2048 apart
      return n / 8 * 128 + k / 16 * 2048 + n % 8 * 16 + k % 16;
    unsigned chunk = k / 16 ^ n % 8 / rowsOfPattern;
    return n * pitch + chunk * 16 + k % 16;
  }
  uint64_t descriptor() const {
    uint64_t leading = mode == 0 ? 2048 : 16;
    uint64_t stride = mode == 0 ? 128 : 8 * pitch;
    return leading / 16 << 16 | stride / 16 << 32 | uint64_t(mode) << 62;
  }
};
constexpr TileLayout kLayouts[] = {{"none", 0, 0, 8},
                                   {"128 bytes", 1, 128, 1},
                                   {"64 bytes", 2, 64, 2},
                                   {"32 bytes", 3, 32, 4}};

struct Product {
  int8_t b[64][32];
  uint8_t a[64][32];
  Input input;

  Product(const TileLayout &layout, unsigned seed) {
    std::mt19937 random(seed);
    for (auto &row : b)
      for (int8_t &byte : row)
        byte = int8_t(random());
    for (auto &row : a)
      for (uint8_t &byte : row)
        byte = uint8_t(random());
    input.descriptor = layout.descriptor();
    auto *bytes = reinterpret_cast<uint8_t *>(input.tile);
    for (unsigned n = 0; n < 64; ++n)
      for (unsigned k = 0; k < 32; ++k)
        bytes[layout.place(n, k)] = uint8_t(b[n][k]);
    // "Register Fragments for wgmma.mma_async.m64nNk32": byte i of thread t.
    for (unsigned t = 0; t < 128; ++t)
      for (unsigned i = 0; i < 16; ++i) {
        unsigned row = 16 * (t / 32) + t % 32 / 4 + ((i / 4) % 2 ? 8 : 0);
        unsigned column = (t % 4) * 4 + i % 4 + (i < 8 ? 0 : 16);
        input.weights[t][i / 4] |= uint32_t(a[row][column]) << 8 * (i % 4);
      }
  }
  int sum(unsigned row, unsigned column, bool sign) const {
    int sum = 0;
    for (unsigned k = 0; k < 32; ++k)
      sum += (sign ? int8_t(a[row][k]) : a[row][k]) * b[column][k];
    return sum;
  }
  /// Register i of thread t of the accumulators.
  void check(const int32_t *values, bool sign) const {
    for (unsigned t = 0; t < 128; ++t)
      for (unsigned i = 0; i < 32; ++i) {
        unsigned row = 16 * (t / 32) + t % 32 / 4 + 8 * (i / 2 % 2);
        unsigned column = 8 * (i / 4) + 2 * (t % 4) + i % 2;
        ASSERT_EQ(values[32 * t + i], sum(row, column, sign))
            << "thread " << t << " register " << i;
      }
  }
};

TEST_F(WgmmaEmulation, ProductsHaveTheLayoutOfTheManual) {
  for (const TileLayout &layout : kLayouts)
    for (bool sign : {false, true}) {
      SCOPED_TRACE(layout.name);
      Product product(layout, sign + 1);
      device().seed(sign);
      EXPECT_EQ(run(sign ? "signedProduct" : "unsignedProduct", &product.input),
                "");
      product.check(values.data(), sign);
    }
  Product copied(kLayouts[1], 7);
  EXPECT_EQ(run("ByCopies", &copied.input), "");
  copied.check(values.data(), true);
}

/// prelude/WgmmaGemm.cuh says by itself how its rows of 128 bytes lie.
TEST_F(WgmmaEmulation, GroupsOfProductsAreWaitedForInTurn) {
  Product first(kLayouts[1], 4), second(kLayouts[1], 5);
  std::memcpy(second.a, first.a, sizeof(first.a));
  auto *rows = reinterpret_cast<int8_t *>(first.input.tile);
  for (unsigned n = 0; n < 64; ++n)
    for (unsigned k = 0; k < 32; ++k) {
      rows[128 * n + k] = first.b[n][k];
      rows[128 * n + 32 + k] = second.b[n][k];
    }
  EXPECT_EQ(run("twoProducts", &first.input), "");
  first.check(values.data(), true);
  second.check(&values[4096], true);
  expectFault("twoProductsEarly", &first.input,
              "read of a sum of a product that this thread has not waited for");
}

TEST_F(WgmmaEmulation, WhatProductsAskForAndDoNotGetIsReported) {
  Product product(kLayouts[1], 3);
  constexpr std::pair<const char *, const char *> kFaults[] = {
      {"EarlySum",
       "read of a sum of a product that this thread has not waited for"},
      {"EarlyWeights",
       "write of a register of a product that this thread has not waited for"},
      {"EarlyTile", "write of shared word 0, which a product reads that not "
                    "all of its threads have waited for"},
      {"EarlyCopy", "write of shared word 0, which a product reads that not "
                    "all of its threads have waited for"},
      {"LateWrite", "which a product reads that not all of its threads have "
                    "waited for"},
      {"NoSharedFence", "wrote without fencing it"},
      {"NoBarrier", "is read while thread "},
      {"NoProductFence", "a product takes sums which this thread has touched "
                         "since its last fence of products"},
      {"NoCommit",
       "read of a sum of a product that this thread has not waited for"},
      {"OtherTile", "threads of a warpgroup multiply other tiles"},
      {"MissingWarp", "wait for its warpgroup"},
      {"Outside", "a product reads at 66560 of shared memory, where no tile "
                  "is"},
      {"Crooked", "a tile's descriptor has bits 8 from 46 to 61; expected an "
                  "aligned tile"},
      {"CopiesNotFenced", "wrote without fencing it"},
      {"CopiesFencedEarly", "wrote without fencing it"},
      {"CopiesNotWaited", "whose copy nobody has waited for"},
      {"Lost", "loss of a product that this thread has not waited for"},
      {"SumsTwice", "two products at once have the same sums"},
  };
  for (auto [name, message] : kFaults)
    expectFault(name, &product.input, message);
}

TEST_F(WgmmaEmulation, BulkCopiesArriveWithTheirPhase) {
  alignas(16) int32_t input[2048];
  std::iota(input, input + 2048, 0);
  for (const char *name : {"copies", "OneWaits"})
    for (uint64_t seed : {0, 6}) {
      device().seed(seed);
      EXPECT_EQ(run(name, input), "");
      for (int phase = 0; phase < 2; ++phase)
        for (int i = 0; i < 128; ++i)
          EXPECT_EQ(values[128 * phase + i], 1024 * phase + 8 * (127 - i) + 1);
    }
}

TEST_F(WgmmaEmulation, WhatBarriersAskForAndDoNotGetIsReported) {
  alignas(16) int32_t input[2048] = {};
  constexpr std::pair<const char *, const char *> kFaults[] = {
      {"NoWait", "of a barrier brings; nobody has waited for that"},
      {"WrongParity", "wait for the phase of a shared barrier"},
      {"SecondPhaseEarly", "phase 1 of a barrier brings; nobody has waited"},
      {"OneWaitsUnordered", "phase 0 of a barrier brings; nobody has waited"},
      {"FewerExpected", "phase 0 of a shared barrier gets 2016 bytes more than "
                        "it expects"},
      {"MoreExpected", "wait for the phase of a shared barrier"},
      {"TooMany", "more than 100 threads arrive in phase 0 of a shared "
                  "barrier"},
      {"NotFenced", "a copy tells a shared barrier whose beginning nobody has "
                    "fenced"},
      {"NotOrdered", "a shared barrier is used "},
      {"NotBegun", "a shared barrier is used that nobody has begun"},
      {"CrookedCopy", "of shared memory; all must be multiples of 16"},
      {"OverReaders", "phase 1 of a barrier brings; nobody has waited"},
  };
  for (auto [name, message] : kFaults)
    expectFault(name, input, message);
}

} // namespace
