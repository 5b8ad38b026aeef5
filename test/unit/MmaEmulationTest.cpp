/// The emulated matrix units and copies to shared memory: fragments against the
/// PTX manual's figures, and copies that nobody waits for.
#include "dialects/formats/Format.h"
#include "test/unit/PlantedKernels.h"

#include <bit>
#include <cmath>
#include <cstring>
#include <functional>
#include <iterator>
#include <numeric>
#include <random>

using namespace sinter;
using namespace sinter::test;

namespace {

constexpr const char *kKernels = R"(
/// Each thread begins to copy 16 bytes and reads what its mirror copied.
/// `waits`: how many groups may be on their way then; `two`: a second one was
/// begun, into the second half.
template <unsigned waits, bool orders, bool two>
void copiesShared(void *const *operands, const Batch &) {
  __shared__ SharedBytes<2048> bytes;
  const unsigned self = threadIndex(), half = two ? 1024 : 0;
  const auto *input = static_cast<const char *>(operands[1]);
  bytes.copy<16>(16 * self, input + 16 * self);
  commitCopies();
  if (two) {
    bytes.copy<8>(1024 + 16 * self, input + 16 * self + 8);
    bytes.copy<4>(1024 + 16 * self + 8, input + 16 * self + 4);
    commitCopies();
  }
  waitForCopies<waits>();
  if (orders)
    syncBlock();
  store(output(operands) + self,
        bytes.get<int>(half + 16 * (63 - self) + (two ? 8 : 4)));
}
/// A copy goes where others still read.
void copiesOver(void *const *operands, const Batch &) {
  __shared__ SharedBytes<1024> bytes;
  const unsigned self = threadIndex();
  const auto *input = static_cast<const char *>(operands[1]);
  for (int round = 0; round < 2; ++round) {
    bytes.copy<16>(16 * self, input + 16 * self);
    commitCopies();
    waitForCopies<0>();
    syncBlock();
    store(output(operands) + self, bytes.get<int>(16 * (63 - self)));
  }
}
void copiesCrooked(void *const *operands, const Batch &) {
  __shared__ SharedBytes<1024> bytes;
  bytes.copy<8>(8 * threadIndex() + 4, operands[1]);
}

/// Tiles: a lane's registers of a, of b and of the sums, in and out.
struct Lane {
  uint32_t a[4], b[2], sums[4], scalesOfA, scalesOfB;
};
void tileOfBytes(void *const *operands, const Batch &) {
  Lane &lane = static_cast<Lane *>(operands[1])[threadIndex()];
  int sums[4];
  memcpy(sums, lane.sums, sizeof(sums));
  mmaBytes(sums, lane.a, lane.b);
  memcpy(lane.sums, sums, sizeof(sums));
}
void narrowTileOfBytes(void *const *operands, const Batch &) {
  Lane &lane = static_cast<Lane *>(operands[1])[threadIndex()];
  int sums[4];
  memcpy(sums, lane.sums, sizeof(sums));
  mmaBytes(sums, {lane.a[0], lane.a[1]}, lane.b[0]);
  memcpy(lane.sums, sums, sizeof(sums));
}
template <auto multiply>
void tileOfFloats16(void *const *operands, const Batch &) {
  Lane &lane = static_cast<Lane *>(operands[1])[threadIndex()];
  float sums[4];
  memcpy(sums, lane.sums, sizeof(sums));
  multiply(sums, lane.a, lane.b);
  memcpy(lane.sums, sums, sizeof(sums));
}
void tileOfTf32(void *const *operands, const Batch &) {
  Lane &lane = static_cast<Lane *>(operands[1])[threadIndex()];
  float sums[4];
  memcpy(sums, lane.sums, sizeof(sums));
  mmaTf32(sums, lane.a, lane.b);
  memcpy(lane.sums, sums, sizeof(sums));
}
void roundsToTf32(void *const *operands, const Batch &) {
  float *values = static_cast<float *>(operands[1]) + threadIndex();
  store(values, roundToTf32(load(values)));
}
/// Each warp transposes four squares of its own kilobyte, in whose places lane
/// l's row is number 31 - l; `begin`: where the first of them lies.
template <unsigned begin>
void squares(void *const *operands, const Batch &) {
  __shared__ SharedBytes<1024 + begin> bytes;
  const unsigned self = threadIndex(), lane = laneIndex();
  for (unsigned i = 0; i < 4; ++i)
    bytes.put(16 * self + 4 * i,
              load(static_cast<const uint32_t *>(operands[1]) + 4 * self + i));
  syncWarp();
  uint32_t own[4];
  bytes.transposed(512 * warpIndex() + 16 * (31 - lane) + begin, own);
  for (unsigned i = 0; i < 4; ++i)
    store(static_cast<uint32_t *>(operands[0]) + 4 * self + i, own[i]);
}
/// A lane of the warp begins a copy over what another has read: in order, and
/// not.
template <bool orders> void ring(void *const *operands, const Batch &) {
  __shared__ SharedBytes<1024> bytes;
  const unsigned self = threadIndex(), other = self ^ 1;
  const auto *input = static_cast<const char *>(operands[1]);
  for (int round = 0; round < 2; ++round) {
    bytes.copy<16>(16 * self, input + 16 * self);
    commitCopies();
    waitForCopies<0>();
    syncWarp();
    store(output(operands) + self, bytes.get<int>(16 * other));
    if (orders)
      syncWarp();
  }
}
void putCrooked(void *const *, const Batch &) {
  __shared__ SharedBytes<1024> bytes;
  bytes.put(4 * threadIndex() + 2, 1.0f);
}
/// Pairs of the lane's first two numbers: halves, then bfloats.
void pairs(void *const *operands, const Batch &) {
  Lane &lane = static_cast<Lane *>(operands[1])[threadIndex()];
  const float low = floatOfBits(lane.a[0]), high = floatOfBits(lane.a[1]);
  lane.b[0] = packHalves(low, high);
  lane.b[1] = packBfloats(low, high);
}
template <auto multiply>
void tileOfFloats4(void *const *operands, const Batch &) {
  Lane &lane = static_cast<Lane *>(operands[1])[threadIndex()];
  float sums[4];
  memcpy(sums, lane.sums, sizeof(sums));
  multiply(sums, lane.a, lane.b, lane.scalesOfA, lane.scalesOfB);
  memcpy(lane.sums, sums, sizeof(sums));
}
/// Half of a warp is in another instruction.
void otherTiles(void *const *operands, const Batch &batch) {
  laneIndex() < 16 ? tileOfBytes(operands, batch)
                   : tileOfFloats16<mmaHalves>(operands, batch);
}
)";

constexpr PlantedName kNames[] = {
    {"copiesShared", "copiesShared<0, true, false>"},
    {"copiesSharedTwice", "copiesShared<0, true, true>"},
    {"copiesWithoutWait", "copiesShared<1, true, false>"},
    {"copiesWithoutOrder", "copiesShared<0, false, false>"},
    {"copiesWithOneWait", "copiesShared<1, true, true>"},
    {"copiesOver", "copiesOver"},
    {"copiesCrooked", "copiesCrooked"},
    {"tileOfBytes", "tileOfBytes"},
    {"narrowTileOfBytes", "narrowTileOfBytes"},
    {"tileOfTf32", "tileOfTf32"},
    {"roundsToTf32", "roundsToTf32"},
    {"tileOfHalves", "tileOfFloats16<mmaHalves>"},
    {"tileOfBfloats", "tileOfFloats16<mmaBfloats>"},
    {"squares", "squares<0>"},
    {"squaresCrooked", "squares<8>"},
    {"ring", "ring<true>"},
    {"ringWithoutOrder", "ring<false>"},
    {"putCrooked", "putCrooked"},
    {"pairs", "pairs"},
    {"tileOfMxfp4", "tileOfFloats4<mmaFloats4By32>"},
    {"tileOfNvfp4", "tileOfFloats4<mmaFloats4By16>"},
    {"otherTiles", "otherTiles"},
};

class MmaEmulation : public testing::Test {
protected:
  void SetUp() override { reset(); }
  void TearDown() override { reset(); }

  /// Compiled once for all tests.
  static const PlantedKernels &device() {
    static const PlantedKernels kernels(kKernels, kNames);
    return kernels;
  }
  static void reset() { device().reset(); }
  static void seed(uint64_t seed) { device().seed(seed); }
  std::string run(const char *name, void *input) {
    return device().run(name, {values, input});
  }

  int32_t values[64] = {};
};

TEST_F(MmaEmulation, CopiesArriveWhenTheyAreWaitedFor) {
  alignas(16) int32_t input[256];
  std::iota(input, input + 256, 0);
  for (uint64_t number : {0, 4}) {
    seed(number);
    EXPECT_EQ(run("copiesShared", input), "");
    for (int i = 0; i < 64; ++i)
      EXPECT_EQ(values[i], 4 * (63 - i) + 1);
    EXPECT_EQ(run("copiesSharedTwice", input), "");
    for (int i = 0; i < 64; ++i)
      EXPECT_EQ(values[i], 4 * (63 - i) + 1);
  }
}

TEST_F(MmaEmulation, CopiesThatNobodyWaitsForAreCaught) {
  alignas(16) int32_t input[256] = {};
  for (const char *name : {"copiesWithoutWait", "copiesWithOneWait"}) {
    std::string fault = run(name, input);
    EXPECT_NE(fault.find("whose copy nobody has waited for"), std::string::npos)
        << name << ": " << fault;
    reset();
  }
}

TEST_F(MmaEmulation, CopiesAreOrderedByBarriersAlone) {
  alignas(16) int32_t input[256] = {};
  EXPECT_NE(run("copiesWithoutOrder", input), "");
  reset();
  std::string fault = run("copiesOver", input);
  EXPECT_NE(fault.find("while thread "), std::string::npos) << fault;
  reset();
  fault = run("copiesCrooked", input);
  EXPECT_NE(fault.find("to 4 of shared memory; both must be multiples of its "
                       "size"),
            std::string::npos)
      << fault;
}

/// What the planted kernels call Lane: element i of a register array is bits
/// [bits * (i % each), ...) of register i / each.
struct TileLane {
  uint32_t a[4], b[2], sums[4], scalesOfA, scalesOfB;
};
void putElement(uint32_t *registers, unsigned i, unsigned bits,
                uint32_t value) {
  unsigned each = 32 / bits;
  registers[i / each] |= value << bits * (i % each);
}

/// The PTX manual's figures for m16n8k32 and m16n8k16 of bytes, m16n8k16 of
/// halves and m16n8k8 of TF32, in its own terms: element i of thread `lane` is
/// row, column.
struct TileShape {
  unsigned width, bits;
  unsigned each() const { return 32 / bits; }
  unsigned elements() const { return width / 4; } ///< of b in a lane

  unsigned rowOfA(unsigned lane, unsigned i) const {
    return lane / 4 + (i / each() % 2 ? 8 : 0);
  }
  unsigned columnOfA(unsigned lane, unsigned i) const {
    return lane % 4 * each() + i % each() + (i < 2 * each() ? 0 : 4 * each());
  }
  unsigned rowOfB(unsigned lane, unsigned i) const {
    return lane % 4 * each() + i % each() + (i < each() ? 0 : 4 * each());
  }
};

/// Runs two warps' tiles of random elements; `value` of an element's bits.
template <typename Sum, typename Value>
void checkTiles(TileShape shape, std::mt19937 &random, uint32_t mask,
                const std::function<void(TileLane *)> &launch, Value value) {
  std::vector<TileLane> lanes(64);
  std::vector<Sum> want(2 * 16 * 8);
  for (unsigned warp = 0; warp < 2; ++warp) {
    std::vector<uint32_t> a(16 * shape.width), b(shape.width * 8);
    for (auto *matrix : {&a, &b})
      for (uint32_t &element : *matrix)
        element = uint32_t(random()) & mask;
    Sum *sums = &want[warp * 128];
    for (unsigned i = 0; i < 128; ++i)
      sums[i] = Sum(int(random() % 2001) - 1000);
    for (unsigned number = 0; number < 32; ++number) {
      TileLane &lane = lanes[32 * warp + number];
      lane = {};
      for (unsigned i = 0; i < 2 * shape.elements(); ++i)
        putElement(lane.a, i, shape.bits,
                   a[shape.rowOfA(number, i) * shape.width +
                     shape.columnOfA(number, i)]);
      for (unsigned i = 0; i < shape.elements(); ++i)
        putElement(lane.b, i, shape.bits,
                   b[shape.rowOfB(number, i) * 8 + number / 4]);
      for (unsigned i = 0; i < 4; ++i)
        std::memcpy(
            &lane.sums[i],
            &sums[(number / 4 + i / 2 * 8) * 8 + number % 4 * 2 + i % 2], 4);
    }
    for (unsigned row = 0; row < 16; ++row)
      for (unsigned column = 0; column < 8; ++column) {
        double sum = sums[row * 8 + column];
        for (unsigned k = 0; k < shape.width; ++k)
          sum += value(a[row * shape.width + k], false) *
                 value(b[k * 8 + column], true);
        sums[row * 8 + column] = Sum(sum);
      }
  }
  launch(lanes.data());
  for (unsigned thread = 0; thread < 64; ++thread)
    for (unsigned i = 0; i < 4; ++i) {
      unsigned number = thread % 32;
      Sum got;
      std::memcpy(&got, &lanes[thread].sums[i], 4);
      EXPECT_EQ(got, want[thread / 32 * 128 + (number / 4 + i / 2 * 8) * 8 +
                          number % 4 * 2 + i % 2])
          << "thread " << thread << " sum " << i;
    }
}

TEST_F(MmaEmulation, TilesHaveTheLayoutOfTheManual) {
  std::mt19937 random(3);
  auto byte = [](uint32_t bits, bool isB) {
    return isB ? double(int8_t(bits)) : double(bits);
  };
  auto half = [](uint32_t bits, bool) {
    return double(halfToFloat(uint16_t(bits)));
  };
  auto tf32 = [](uint32_t bits, bool) {
    float value;
    bits &= ~0x1fffu; // the rest of the fraction does not count
    std::memcpy(&value, &bits, 4);
    return double(value);
  };
  for (uint64_t number : {0, 11}) {
    seed(number);
    auto launch = [&](const char *name) {
      return [this, name](TileLane *lanes) { EXPECT_EQ(run(name, lanes), ""); };
    };
    checkTiles<int32_t>({32, 8}, random, 0xff, launch("tileOfBytes"), byte);
    checkTiles<int32_t>({16, 8}, random, 0xff, launch("narrowTileOfBytes"),
                        byte);
    // Without the top of the exponent: sums that float64 holds exactly.
    checkTiles<float>({16, 16}, random, 0xbfff & ~0x0f00u,
                      launch("tileOfHalves"), half);
    checkTiles<float>({8, 32}, random, 0xbfffffff, launch("tileOfTf32"), tf32);
    // Exponents from 2^-15 to 1, for the same reason.
    checkTiles<float>(
        {16, 16}, random, 0x87ff,
        [&](TileLane *lanes) {
          for (unsigned i = 0; i < 64; ++i)
            for (unsigned r = 0; r < 6; ++r)
              (r < 4 ? lanes[i].a[r] : lanes[i].b[r - 4]) |= 0x38003800;
          EXPECT_EQ(run("tileOfBfloats", lanes), "");
        },
        [](uint32_t bits, bool) {
          return double(std::bit_cast<float>((bits | 0x3800) << 16));
        });
  }
}

/// Ten bits of the fraction, to the nearest, ties away from 0.
TEST_F(MmaEmulation, FloatsAreRoundedToTf32) {
  const float ulp = 0x1p-10f;
  const float cases[][2] = {{1, 1},
                            {1 + ulp, 1 + ulp},
                            {1 + ulp / 2, 1 + ulp},
                            {1 + 3 * ulp / 2, 1 + 2 * ulp},
                            {-1 - ulp / 2, -1 - ulp},
                            {1 + ulp / 2 - 0x1p-23f, 1},
                            {2 - 0x1p-23f, 2},
                            {0, 0},
                            {INFINITY, INFINITY}};
  float values[64] = {};
  for (size_t i = 0; i < std::size(cases); ++i)
    values[i] = cases[i][0];
  EXPECT_EQ(run("roundsToTf32", values), "");
  for (size_t i = 0; i < std::size(cases); ++i)
    EXPECT_EQ(values[i], cases[i][1]) << cases[i][0];
}

/// Scales of a row are in the first lane of its four, or for the lower eight
/// rows in the second; those of a column in the first. What the others hold
/// does not matter.
TEST_F(MmaEmulation, ScaledFloatsHaveTheLayoutOfTheManual) {
  std::mt19937 random(6);
  for (const char *name : {"tileOfMxfp4", "tileOfNvfp4"}) {
    bool isMx = name == std::string("tileOfMxfp4");
    unsigned group = isMx ? 32 : 16;
    uint8_t a[16][64], b[8][64], scalesOfA[16][4], scalesOfB[8][4];
    auto draw = [&](auto &elements, auto &scales) {
      for (auto &row : elements)
        for (uint8_t &element : row)
          element = random() & 0xf;
      for (auto &row : scales)
        for (uint8_t &scale : row)
          scale = isMx ? 120 + random() % 16 : random() % 0x7f;
    };
    draw(a, scalesOfA);
    draw(b, scalesOfB);
    std::vector<TileLane> lanes(64);
    for (unsigned thread = 0; thread < 64; ++thread) {
      TileLane &lane = lanes[thread];
      unsigned g = thread % 32 / 4, j = thread % 4;
      for (unsigned i = 0; i < 32; ++i)
        lane.a[i / 8] |=
            uint32_t(
                a[g + (i / 8 % 2 ? 8 : 0)][8 * j + i % 8 + (i < 16 ? 0 : 32)])
            << 4 * (i % 8);
      for (unsigned i = 0; i < 16; ++i)
        lane.b[i / 8] |= uint32_t(b[g][8 * j + i % 8 + (i < 8 ? 0 : 32)])
                         << 4 * (i % 8);
      lane.scalesOfA = lane.scalesOfB = uint32_t(random());
      if (j < 2)
        std::memcpy(&lane.scalesOfA, scalesOfA[g + 8 * j], 4);
      if (j == 0)
        std::memcpy(&lane.scalesOfB, scalesOfB[g], 4);
    }
    EXPECT_EQ(run(name, lanes.data()), "");
    auto scaleOf = [&](uint8_t bits) {
      return isMx ? double(e8m0ToFloat(bits)) : double(ue4m3ToFloat(bits));
    };
    auto element = [](uint8_t bits) {
      static const double kValues[] = {0, .5, 1, 1.5, 2, 3, 4, 6};
      return (bits & 8 ? -1 : 1) * kValues[bits & 7];
    };
    for (unsigned thread = 0; thread < 64; ++thread)
      for (unsigned i = 0; i < 4; ++i) {
        unsigned row = thread % 32 / 4 + i / 2 * 8,
                 column = thread % 4 * 2 + i % 2;
        double sum = 0;
        for (unsigned k = 0; k < 64; ++k)
          sum += element(a[row][k]) * element(b[column][k]) *
                 scaleOf(scalesOfA[row][k / group]) *
                 scaleOf(scalesOfB[column][k / group]);
        float got;
        std::memcpy(&got, &lanes[thread].sums[i], 4);
        EXPECT_EQ(got, float(sum)) << name << " thread " << thread;
      }
  }
}

/// ldmatrix of the PTX manual, transposed: of square n, whose row r lane 8n + r
/// names, lane l gets elements [2 * (l % 4)][l / 4] and the one below.
TEST_F(MmaEmulation, SquaresAreTransposed) {
  std::mt19937 random(8);
  uint32_t input[256], got[256];
  for (uint32_t &word : input)
    word = uint32_t(random());
  for (uint64_t number : {0, 5}) {
    seed(number);
    EXPECT_EQ(device().run("squares", {got, input}), "");
    for (unsigned thread = 0; thread < 64; ++thread)
      for (unsigned n = 0; n < 4; ++n)
        for (unsigned i = 0; i < 2; ++i) {
          unsigned lane = thread % 32, row = lane % 4 * 2 + i;
          unsigned place = thread / 32 * 32 + 31 - (8 * n + row);
          uint32_t word = input[place * 4 + lane / 4 / 2];
          EXPECT_EQ(got[thread * 4 + n] >> 16 * i & 0xffff,
                    word >> 16 * (lane / 4 % 2) & 0xffff)
              << "thread " << thread << " square " << n;
        }
  }
  EXPECT_NE(device()
                .run("squaresCrooked", {got, input})
                .find("which must be a multiple of that"),
            std::string::npos);
  reset();
  EXPECT_NE(device()
                .run("putCrooked", {got, input})
                .find("write of a word to 2 of shared memory"),
            std::string::npos);
}

TEST_F(MmaEmulation, WarpsOrderTheirOwnCopies) {
  alignas(16) int32_t input[256];
  std::iota(input, input + 256, 0);
  for (uint64_t number : {0, 4}) {
    seed(number);
    EXPECT_EQ(run("ring", input), "");
    for (int i = 0; i < 64; ++i)
      EXPECT_EQ(values[i], 4 * (i ^ 1));
  }
  std::string fault = run("ringWithoutOrder", input);
  EXPECT_NE(fault.find("while thread "), std::string::npos) << fault;
}

/// To the nearest, ties to even; large ones become infinite.
TEST_F(MmaEmulation, PairsAreRoundedToTheNearest) {
  struct Case {
    float value;
    uint16_t half, bfloat;
  };
  const Case cases[] = {
      {1.0f, 0x3c00, 0x3f80},         {-2.0f, 0xc000, 0xc000},
      {1 + 0x1p-11f, 0x3c00, 0x3f80}, {1 + 0x1.8p-10f, 0x3c02, 0x3f80},
      {1 + 0x1p-8f, 0x3c04, 0x3f80},  {1 + 0x1.8p-7f, 0x3c0c, 0x3f82},
      {65520.0f, 0x7c00, 0x4780},     {0x1p-24f, 0x0001, 0x3380},
      {3.4e38f, 0x7c00, 0x7f80},      {INFINITY, 0x7c00, 0x7f80},
      {-0.0f, 0x8000, 0x8000},        {NAN, 0x7fff, 0x7fff}};
  std::vector<TileLane> lanes(64);
  constexpr unsigned kCases = std::size(cases);
  for (unsigned i = 0; i < 64; ++i) {
    lanes[i].a[0] = std::bit_cast<uint32_t>(cases[i % kCases].value);
    lanes[i].a[1] = std::bit_cast<uint32_t>(cases[(i + 1) % kCases].value);
  }
  EXPECT_EQ(run("pairs", lanes.data()), "");
  for (unsigned i = 0; i < 64; ++i) {
    const Case &low = cases[i % kCases], &high = cases[(i + 1) % kCases];
    EXPECT_EQ(lanes[i].b[0], low.half | uint32_t(high.half) << 16) << low.value;
    EXPECT_EQ(lanes[i].b[1], low.bfloat | uint32_t(high.bfloat) << 16)
        << low.value;
  }
}

TEST_F(MmaEmulation, LanesInDifferentTilesAreReported) {
  std::vector<TileLane> lanes(64);
  EXPECT_NE(run("otherTiles", lanes.data()).find("in different collectives"),
            std::string::npos);
}

} // namespace
