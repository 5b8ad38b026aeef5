/// Plants faults in kernels and asks the emulated device for each of them by
/// name; and checks its instructions against their definitions.
#include "codegen/cuda/CudaSource.h"
#include "dialects/formats/Format.h"
#include "runtime/cpu/KernelLibrary.h"
#include "runtime/emulated/HostCompiler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <random>

using namespace sinter;

namespace {

/// Kernels of 64 threads: two warps. Operand 0 is an array of int32 or, in the
/// tests of instructions, of uint32.
constexpr const char *kKernels = R"(
template <auto body>
void launch(const char *name, void *const *operands, const Batch *batch,
            int64_t begin, int64_t end) {
  emulation::runBlocks<64, body>(name, operands, batch, begin, end);
}
int *output(void *const *operands) { return static_cast<int *>(operands[0]); }

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
/// In which order threads of a block reach a place: no program may ask.
void order(void *const *operands, const Batch &) {
  int *places = output(operands);
  places[places[64]++] = int(threadIndex());
}

/// Instructions: operand 0 in, operand 1 out, as many as the batch has tokens.
template <typename Function>
void each(void *const *operands, const Batch &batch, Function function) {
  const auto *in = static_cast<const uint32_t *>(operands[0]);
  auto *out = static_cast<uint32_t *>(operands[1]);
  for (int i = threadIndex(); i < batch.tokens; i += 64)
    out[i] = function(in + 3 * i);
}
void decodeHalf(void *const *operands, const Batch &batch) {
  each(operands, batch, [](const uint32_t *x) {
    return bitsOfFloat(halfToFloat(uint16_t(x[0])));
  });
}
void encodeHalf(void *const *operands, const Batch &batch) {
  each(operands, batch, [](const uint32_t *x) {
    return uint32_t(floatToHalf(floatOfBits(x[0])));
  });
}
void dots(void *const *operands, const Batch &batch) {
  each(operands, batch, [](const uint32_t *x) {
    return uint32_t(dotBytes(x[0], int32_t(x[1]), int32_t(x[2])));
  });
}
void permutations(void *const *operands, const Batch &batch) {
  each(operands, batch, [](const uint32_t *x) {
    return permuteBytes(x[0], x[1], x[2]);
  });
}
)";

const char *const kNames[][2] = {
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
    {"decodeHalf", "decodeHalf"},
    {"encodeHalf", "encodeHalf"},
    {"dots", "dots"},
    {"permutations", "permutations"},
};

/// The emulated device with these kernels; compiled once for all tests.
const KernelLibrary &device() {
  static const KernelLibrary library = [] {
    std::string source = cuda::portableSource({});
    source += "namespace planted {\n" + std::string(kKernels) + "}\n";
    for (const auto &[name, body] : kNames)
      source += "extern \"C\" void " + std::string(name) +
                "(void *const *operands, const Batch *batch, int64_t begin, "
                "int64_t end) {\n  planted::launch<planted::" +
                body + ">(\"" + name + "\", operands, batch, begin, end);\n}\n";
    auto object = compileForHost(source);
    EXPECT_TRUE(object.ok()) << object.status().message();
    if (!object.ok())
      return KernelLibrary();
    auto loaded = KernelLibrary::load(*object);
    EXPECT_TRUE(loaded.ok()) << loaded.status().message();
    return loaded.ok() ? std::move(*loaded) : KernelLibrary();
  }();
  return library;
}

template <typename Function> Function *exported(const char *name) {
  return reinterpret_cast<Function *>(device().symbol(name));
}

class Emulation : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_TRUE(device().symbol("mirror"));
    reset();
  }
  void TearDown() override { reset(); }

  static void reset() {
    exported<void()>("sinterEmulationReset")();
    seed(0);
  }
  static void seed(uint64_t seed) {
    exported<void(uint64_t)>("sinterEmulationSeed")(seed);
  }
  static bool region(const char *name, const void *begin, size_t bytes,
                     uint8_t *written = nullptr) {
    return exported<bool(const char *, const void *, size_t, uint8_t *)>(
        "sinterEmulationRegion")(name, begin, bytes, written);
  }

  /// Runs one block; what went wrong, or "".
  std::string run(const char *name, void *input = nullptr,
                  const Batch &batch = {}) {
    void *operands[] = {values, input};
    (*device().find(name))(operands, &batch, 0, 1);
    const char *fault = exported<const char *()>("sinterEmulationFault")();
    return fault ? fault : "";
  }

  /// Runs an instruction on triples of operands.
  static std::vector<uint32_t> compute(const char *name,
                                       std::vector<uint32_t> in) {
    std::vector<uint32_t> out(in.size() / 3);
    void *operands[] = {in.data(), out.data()};
    Batch batch = {};
    batch.tokens = int32_t(out.size());
    (*device().find(name))(operands, &batch, 0, 1);
    return out;
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

TEST_F(Emulation, HalvesAreDecodedAndEncodedExactly) {
  std::vector<uint32_t> halves(3 * 65536), floats(3 * 65536);
  for (uint32_t i = 0; i < 65536; ++i)
    halves[3 * i] = i;
  std::vector<uint32_t> decoded = compute("decodeHalf", halves);
  for (uint32_t i = 0; i < 65536; ++i) {
    float want = halfToFloat(uint16_t(i)), got;
    std::memcpy(&got, &decoded[i], 4);
    EXPECT_TRUE(got == want || (std::isnan(got) && std::isnan(want))) << i;
    floats[3 * i] = decoded[i];
  }
  std::vector<uint32_t> encoded = compute("encodeHalf", floats);
  for (uint32_t i = 0; i < 65536; ++i) {
    bool isNan = (i & 0x7fff) > 0x7c00;
    EXPECT_EQ(encoded[i], isNan ? 0x7fff : i);
  }
}

TEST_F(Emulation, NumbersBetweenHalvesAreRoundedToTheNearest) {
  std::mt19937 random(1);
  std::vector<uint32_t> in(3 * 100000);
  for (uint32_t &bits : in) // 2^-26 to 2^17, either sign, many of them ties
    bits = ((101u + random() % 43) << 23 | (random() & 0x7fffff)) &
           (random() % 2 ? ~0xfffu : ~0u) & (random() % 2 ? ~0u : 0xfffff000u);
  std::vector<uint32_t> encoded = compute("encodeHalf", in);
  for (size_t i = 0; i < encoded.size(); ++i) {
    float value;
    std::memcpy(&value, &in[3 * i], 4);
    float largest = 65520; // from here on the nearest is 2^16, which is none
    auto half = uint16_t(encoded[i]);
    if (value >= largest) {
      EXPECT_EQ(half, 0x7c00);
      continue;
    }
    double own = std::abs(double(halfToFloat(half)) - value);
    double above = half == 0x7bff ? 65536.0 : halfToFloat(half + 1);
    double below = half ? halfToFloat(half - 1) : 1;
    EXPECT_LE(own, std::abs(above - value)) << value;
    EXPECT_LE(own, std::abs(below - value)) << value;
    bool tie = own == std::abs(above - value) || own == std::abs(below - value);
    EXPECT_TRUE(!tie || half % 2 == 0) << value;
  }
}

TEST_F(Emulation, ByteInstructionsAreThoseOfTheManual) {
  std::mt19937 random(2);
  std::vector<uint32_t> in(3 * 1000);
  for (uint32_t &word : in)
    word = uint32_t(random());
  std::vector<uint32_t> dots = compute("dots", in);
  std::vector<uint32_t> permuted = compute("permutations", in);
  for (size_t i = 0; i < dots.size(); ++i) {
    const uint32_t *x = &in[3 * i];
    auto sum = int64_t(int32_t(x[2]));
    uint8_t bytes[8];
    std::memcpy(bytes, x, 8);
    uint32_t want = 0;
    for (int b = 0; b < 4; ++b) {
      sum += int64_t(bytes[b]) * int8_t(bytes[4 + b]);
      uint32_t nibble = x[2] >> 4 * b & 0xf;
      uint8_t byte = bytes[nibble & 7];
      if (nibble & 8)
        byte = byte & 0x80 ? 0xff : 0;
      want |= uint32_t(byte) << 8 * b;
    }
    EXPECT_EQ(dots[i], uint32_t(sum));
    EXPECT_EQ(permuted[i], want);
  }
}

} // namespace
