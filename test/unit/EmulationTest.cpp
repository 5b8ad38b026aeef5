/// Plants faults in kernels and asks the emulated device for each of them by
/// name.
#include "test/unit/PlantedKernels.h"

#include <algorithm>
#include <numeric>

using namespace sinter;
using sinter::test::PlantedKernels;
using sinter::test::PlantedName;

namespace {

/// Kernels of 64 threads: two warps. Operand 0 is an array of int32.
constexpr const char *kKernels = R"(
/// Each thread gives its number to the other end of the block.
template <bool waits> void mirror(void *const *operands, const Batch &) {
  __shared__ SharedArray<int, 64> values;
  const unsigned self = threadIndex();
  values.put(self, int(self));
  if (waits)
    syncBlock();
  store(output(operands) + self, values.get(63 - self));
}
/// The second round overwrites what slow threads still read in the first.
template <bool waits> void twoRounds(void *const *operands, const Batch &) {
  __shared__ SharedArray<int, 64> values;
  const unsigned self = threadIndex();
  int sum = 0;
  for (int round = 0; round < 2; ++round) {
    values.put(self, int(self) + round);
    syncBlock();
    sum += values.get(63 - self);
    if (waits)
      syncBlock();
  }
  store(output(operands) + self, sum);
}
/// Every thread takes a number, in between which one asks how many are gone.
template <bool before, bool after> void counts(void *const *operands,
                                               const Batch &) {
  __shared__ SharedCounter counter;
  if (threadIndex() == 5)
    counter.clear();
  if (before)
    syncBlock();
  const int taken = int(counter.take());
  if (after)
    syncBlock();
  store(output(operands) + taken, int(counter.get()));
}
void asksFirst(void *const *, const Batch &) {
  __shared__ SharedCounter counter;
  if (threadIndex() == 0)
    counter.clear();
  syncBlock();
  if (threadIndex() == 0)
    counter.get();
  else
    counter.take();
}
void halfWaits(void *const *, const Batch &) {
  if (threadIndex() < 32)
    syncBlock();
}
void halfShuffles(void *const *, const Batch &) {
  if (laneIndex() < 16)
    shuffleXor(1, 1);
}
void otherShuffles(void *const *, const Batch &) {
  shuffleXor(1, laneIndex() < 16 ? 1 : 2);
}
void warpSums(void *const *operands, const Batch &) {
  store(output(operands) + threadIndex(),
        int(warpSum(float(threadIndex()))));
}
void readsUnwritten(void *const *operands, const Batch &) {
  __shared__ SharedArray<int, 64> values;
  if (threadIndex() < 63)
    values.put(threadIndex(), 1);
  syncBlock();
  store(output(operands) + threadIndex(), values.get(threadIndex()));
}
void readsBehind(void *const *operands, const Batch &) {
  __shared__ SharedArray<int, 64> values;
  values.put(threadIndex() + 1, 1);
}
/// As many elements as the block has threads, and one.
void writesBehind(void *const *operands, const Batch &) {
  store(output(operands) + threadIndex() + 1, 1);
}
void copies(void *const *operands, const Batch &) {
  const int *input = static_cast<const int *>(operands[1]);
  store(output(operands) + threadIndex(), load(input + threadIndex()));
}
/// Adds a weight to what the kernel before gives.
enum class Begin { Right, ReadsFirst, WritesFirst, AsksFirst, HalfWaits };
template <Begin begin> void addsWeight(void *const *operands, const Batch &) {
  int *before = static_cast<int *>(operands[1]) + threadIndex();
  const int *weight = static_cast<const int *>(operands[2]) + threadIndex();
  const int ahead = loadWeights(weight);
  if (begin == Begin::ReadsFirst)
    load(before);
  if (begin == Begin::WritesFirst)
    store(output(operands) + threadIndex(), 0);
  if (begin == Begin::AsksFirst)
    prefetchWeights(reinterpret_cast<const char *>(before));
  if (begin == Begin::HalfWaits && threadIndex() >= 32)
    return;
  waitForEarlier();
  letNextBegin();
  store(output(operands) + threadIndex(), load(before) + ahead);
}
void writesWeight(void *const *operands, const Batch &) {
  store(static_cast<int *>(operands[2]) + threadIndex(), 1);
}
/// In which order threads of a block reach a place: no program may ask.
void order(void *const *operands, const Batch &) {
  int *places = output(operands);
  places[places[64]++] = int(threadIndex());
}
)";

constexpr PlantedName kNames[] = {
    {"mirror", "mirror<true>"},
    {"mirrorWithoutBarrier", "mirror<false>"},
    {"twoRounds", "twoRounds<true>"},
    {"twoRoundsWithoutBarrier", "twoRounds<false>"},
    {"counts", "counts<true, true>"},
    {"countsUncleared", "counts<false, true>"},
    {"countsWithoutBarrier", "counts<true, false>"},
    {"asksFirst", "asksFirst"},
    {"halfWaits", "halfWaits"},
    {"halfShuffles", "halfShuffles"},
    {"otherShuffles", "otherShuffles"},
    {"warpSums", "warpSums"},
    {"readsUnwritten", "readsUnwritten"},
    {"readsBehind", "readsBehind"},
    {"writesBehind", "writesBehind"},
    {"copies", "copies"},
    {"order", "order"},
    {"addsWeight", "addsWeight<planted::Begin::Right>, true"},
    {"readsFirst", "addsWeight<planted::Begin::ReadsFirst>, true"},
    {"writesFirst", "addsWeight<planted::Begin::WritesFirst>, true"},
    {"asksForOthers", "addsWeight<planted::Begin::AsksFirst>, true"},
    {"halfWaitsForEarlier", "addsWeight<planted::Begin::HalfWaits>, true"},
    {"isNotEarly", "addsWeight<planted::Begin::ReadsFirst>"},
    {"writesWeight", "writesWeight"},
};

class Emulation : public testing::Test {
protected:
  void SetUp() override { reset(); }
  void TearDown() override { reset(); }

  /// The emulated device with these kernels; compiled once for all tests.
  static const PlantedKernels &device() {
    static const PlantedKernels planted(kKernels, kNames);
    return planted;
  }
  static void reset() { device().reset(); }
  static void seed(uint64_t seed) { device().seed(seed); }
  static bool region(const char *name, const void *begin, size_t bytes,
                     uint8_t *written = nullptr) {
    return device().emulation().region(name, begin, bytes, written);
  }

  /// Runs one block; what went wrong, or "".
  std::string run(const char *name, void *input = nullptr) {
    return device().run(name, {values, input});
  }

  int32_t values[65] = {};
};

TEST_F(Emulation, BarriersOrderWhatThreadsShare) {
  for (uint64_t number : {0, 1, 2, 3}) {
    seed(number);
    EXPECT_EQ(run("mirror"), "");
    for (int i = 0; i < 64; ++i)
      EXPECT_EQ(values[i], 63 - i);
    EXPECT_EQ(run("twoRounds"), "");
    for (int i = 0; i < 64; ++i)
      EXPECT_EQ(values[i], 2 * (63 - i) + 1);
  }
}

TEST_F(Emulation, MissingBarrierBeforeReadsIsCaught) {
  // In this order of threads the values happen to be there for half of them.
  EXPECT_NE(run("mirrorWithoutBarrier").find("which nobody has written"),
            std::string::npos);
  reset();
  seed(7);
  EXPECT_NE(run("mirrorWithoutBarrier"), "");
}

TEST_F(Emulation, MissingBarrierBeforeWritesIsCaught) {
  std::string fault = run("twoRoundsWithoutBarrier");
  EXPECT_NE(fault.find("kernel 'twoRoundsWithoutBarrier', block 0, thread "),
            std::string::npos)
      << fault;
  // Who comes first, the read or the write, is the schedule's choice.
  EXPECT_NE(fault.find(" while thread "), std::string::npos) << fault;
}

TEST_F(Emulation, BarrierThatSomeNeverReachIsReported) {
  EXPECT_EQ(run("halfWaits"),
            "kernel 'halfWaits', block 0 waits for ever: 32 threads (first 0) "
            "wait for the block; 32 threads (first 32) have ended;");
}

TEST_F(Emulation, ShuffleOfPartOfAWarpIsReported) {
  EXPECT_EQ(run("halfShuffles"),
            "kernel 'halfShuffles', block 0 waits for ever: 32 threads (first "
            "0) wait for its warp; 32 threads (first 16) have ended;");
}

TEST_F(Emulation, LanesInDifferentShufflesAreReported) {
  EXPECT_NE(run("otherShuffles").find("are in different collectives"),
            std::string::npos);
}

TEST_F(Emulation, ShufflesExchangeLanes) {
  for (uint64_t number : {0, 5}) {
    seed(number);
    EXPECT_EQ(run("warpSums"), "");
    for (int i = 0; i < 64; ++i)
      EXPECT_EQ(values[i], i < 32 ? 496 : 1520);
  }
}

TEST_F(Emulation, SharedMemoryIsChecked) {
  EXPECT_NE(run("readsUnwritten")
                .find("thread 63: read of shared element 63, which nobody has "
                      "written"),
            std::string::npos);
  reset();
  EXPECT_NE(run("readsBehind")
                .find("thread 63: write of shared element 64 of "
                      "64"),
            std::string::npos);
}

TEST_F(Emulation, CountersAreChecked) {
  for (uint64_t number : {0, 3}) {
    seed(number);
    EXPECT_EQ(run("counts"), "");
    EXPECT_EQ(std::count(values, values + 64, 64), 64);
  }
  EXPECT_NE(run("countsUncleared").find("which nobody has written"),
            std::string::npos);
  reset();
  std::string fault = run("countsWithoutBarrier");
  EXPECT_NE(fault.find(": a shared counter is taken from while thread "),
            std::string::npos)
      << fault;
  reset();
  seed(2); // another thread comes first
  fault = run("asksFirst");
  EXPECT_NE(fault.find("thread 0: a shared counter is asked for its number "
                       "while thread "),
            std::string::npos)
      << fault;
}

TEST_F(Emulation, BuffersAreChecked) {
  int32_t input[64] = {};
  uint8_t written[sizeof(values)] = {}, known[sizeof(input)] = {};
  ASSERT_TRUE(region("output", values, 64 * 4, written));
  EXPECT_NE(run("writesBehind")
                .find("thread 63: write of 4 bytes outside all buffers"),
            std::string::npos);
  reset();
  ASSERT_TRUE(region("output", values, 64 * 4 + 1, written));
  EXPECT_NE(run("writesBehind")
                .find("write of 4 bytes at 256 of 'output', which has 257"),
            std::string::npos);
  reset();
  ASSERT_TRUE(region("output", values, sizeof(values), written));
  ASSERT_TRUE(region("input", input, sizeof(input), known));
  std::fill_n(known, 40, 1);
  EXPECT_NE(run("copies", input)
                .find("thread 10: read of byte 40 of 'input', which nobody has "
                      "written"),
            std::string::npos);
  reset();
  std::fill_n(written, sizeof(written), 0);
  std::fill_n(known, sizeof(known), 1);
  ASSERT_TRUE(region("output", values, sizeof(values), written));
  ASSERT_TRUE(region("input", input, sizeof(input), known));
  EXPECT_EQ(run("copies", input), "");
  EXPECT_EQ(std::accumulate(written, written + sizeof(written), 0), 256);
}

/// A kernel that begins before the one before it has ended may read weights.
TEST_F(Emulation, WhatIsTouchedBeforeTheWaitIsChecked) {
  int32_t before[64], weights[64];
  std::iota(before, before + 64, 100);
  std::iota(weights, weights + 64, 1000);
  auto fault = [&](const char *name, bool constant = true) {
    reset();
    EXPECT_TRUE(region("output", values, sizeof(values)));
    EXPECT_TRUE(region("before", before, sizeof(before)));
    EXPECT_TRUE(device().emulation().region("weights", weights, sizeof(weights),
                                            nullptr, constant));
    return device().run(name, {values, before, weights});
  };
  EXPECT_EQ(fault("addsWeight"), "");
  EXPECT_EQ(values[5], 1110);
  EXPECT_EQ(fault("isNotEarly"), "");
  const std::string wait = " before the wait for the kernel before this one";
  EXPECT_EQ(fault("readsFirst"),
            "kernel 'readsFirst', block 0, thread 0: read of 4 bytes at 0 of "
            "'before'" +
                wait);
  EXPECT_EQ(fault("writesFirst"),
            "kernel 'writesFirst', block 0, thread 0: write of 4 bytes" + wait);
  EXPECT_EQ(fault("asksForOthers"),
            "kernel 'asksForOthers', block 0, thread 0: read of 1 bytes at 0 "
            "of 'before'" +
                wait);
  // What is no constant is no weight, whatever it is read as.
  EXPECT_EQ(fault("addsWeight", /*constant=*/false),
            "kernel 'addsWeight', block 0, thread 0: read of 4 bytes at 0 of "
            "'weights'" +
                wait);
  EXPECT_EQ(fault("halfWaitsForEarlier"),
            "kernel 'halfWaitsForEarlier', block 0, thread 32: ends without a "
            "wait for the kernel before this one");
  EXPECT_EQ(fault("writesWeight"),
            "kernel 'writesWeight', block 0, thread 0: write of 4 bytes at 0 "
            "of 'weights', which is constant");
  // Where no buffers are named, what the kernel says of itself counts.
  reset();
  EXPECT_EQ(device().run("addsWeight", {values, before, weights}), "");
  EXPECT_EQ(device().run("readsFirst", {values, before, weights}),
            "kernel 'readsFirst', block 0, thread 0: read of 4 bytes at 0 of "
            "'a buffer'" +
                wait);
}

TEST_F(Emulation, SeedsChooseTheOrderOfThreads) {
  std::vector<int32_t> orders[3];
  const uint64_t seeds[] = {0, 9, 9};
  for (int i = 0; i < 3; ++i) {
    seed(seeds[i]);
    values[64] = 0;
    EXPECT_EQ(run("order"), "");
    orders[i].assign(values, values + 64);
  }
  EXPECT_TRUE(std::is_sorted(orders[0].begin(), orders[0].end()));
  EXPECT_FALSE(std::is_sorted(orders[1].begin(), orders[1].end()));
  EXPECT_EQ(orders[1], orders[2]);
}

} // namespace
