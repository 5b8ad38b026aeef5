/// Checks the emulated device's instructions against their definitions.
#include "dialects/formats/Format.h"
#include "test/unit/PlantedKernels.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace sinter;
using sinter::test::PlantedKernels;
using sinter::test::PlantedName;

namespace {

constexpr const char *kKernels = R"(
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
void sums(void *const *operands, const Batch &batch) {
  each(operands, batch,
       [](const uint32_t *x) { return addHalves(x[0], x[1]); });
}
void products(void *const *operands, const Batch &batch) {
  each(operands, batch,
       [](const uint32_t *x) { return timesHalves(x[0], x[1]); });
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

constexpr PlantedName kNames[] = {
    {"decodeHalf", "decodeHalf"},
    {"encodeHalf", "encodeHalf"},
    {"sums", "sums"},
    {"products", "products"},
    {"dots", "dots"},
    {"permutations", "permutations"},
};

/// Runs an instruction on triples of operands.
std::vector<uint32_t> compute(const char *name, std::vector<uint32_t> in) {
  static const PlantedKernels planted(kKernels, kNames);
  std::vector<uint32_t> out(in.size() / 3);
  Batch batch = {};
  batch.tokens = int32_t(out.size());
  EXPECT_EQ(planted.run(name, {in.data(), out.data()}, batch), "");
  return out;
}

TEST(EmulationInstructions, HalvesAreDecodedAndEncodedExactly) {
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

TEST(EmulationInstructions, NumbersBetweenHalvesAreRoundedToTheNearest) {
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

TEST(EmulationInstructions, PairsOfHalvesAreAddedAndMultipliedEach) {
  std::mt19937 random(3);
  std::vector<uint32_t> in(3 * 20000);
  for (uint32_t &word : in) // no infinities, no NaN
    word = uint32_t(random()) & 0xbfffbfffu;
  std::vector<uint32_t> sums = compute("sums", in);
  std::vector<uint32_t> products = compute("products", in);
  for (size_t i = 0; i < sums.size(); ++i)
    for (unsigned shift = 0; shift < 32; shift += 16) {
      auto half = [&](uint32_t word) {
        auto bits = uint16_t(word >> shift);
        _Float16 value;
        std::memcpy(&value, &bits, 2);
        return value;
      };
      double x = half(in[3 * i]), y = half(in[3 * i + 1]);
      // Exact in double, and rounded once.
      EXPECT_EQ(half(sums[i]), static_cast<_Float16>(x + y));
      EXPECT_EQ(half(products[i]), static_cast<_Float16>(x * y));
    }
}

TEST(EmulationInstructions, ByteInstructionsAreThoseOfTheManual) {
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
