// TQ1_0: 256 ternary digits, weight = d * (digit - 1).
//
//   | qs 48 B | qh 4 B | d f16 |
//
// A byte holds five digits (one of `qh` four) as the fraction byte / 256, in
// base 3: times 3, the integer part is the next digit. Digit n of the bytes
// 0..31 are the weights 32n .. 32n+31, of bytes 32..47 the weights 160 + 16n
// and following, of `qh` the weights 240 + 4n and following.
#include "dialects/formats/BlockBytes.h"

namespace sinter {

/// Digits of `count` bytes, first the highest of all bytes.
static void loadDigits(const uint8_t *bytes, unsigned count, unsigned digits,
                       uint8_t *codes) {
  for (unsigned i = 0; i < count; ++i) {
    unsigned fraction = bytes[i];
    for (unsigned n = 0; n < digits; ++n) {
      codes[n * count + i] = static_cast<uint8_t>(fraction * 3 >> 8);
      fraction = fraction * 3 & 0xFF;
    }
  }
}

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  loadDigits(block, 32, 5, codes);
  loadDigits(block + 32, 16, 5, codes + 160);
  loadDigits(block + 48, 4, 4, codes + 240);
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[256];
  loadCodes(block, codes);
  const float scale = loadHalf(block + 52);
  for (unsigned i = 0; i < 256; ++i)
    weights[i] = scale * static_cast<float>(codes[i] - 1);
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  parts.groupScales[0] = loadU16(block + 52);
}

extern const Format tQ1_0Format = {
    .name = "tq1_0",
    .ggufId = 34,
    .blockWeights = 256,
    .blockBytes = 54,
    .form = {.family = Family::Ternary,
             .bits = 2,
             .codeOffset = 1,
             .group = 256,
             .groupScale = GroupScale::F16},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
