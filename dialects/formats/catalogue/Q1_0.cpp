// Q1_0: 128 codes of one bit, weight = d * (2 * code - 1).
//
//   | d f16 | qs 16 B |
//
// Bit b of byte i is weight 8i + b.
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  for (unsigned i = 0; i < 128; ++i)
    codes[i] = block[2 + i / 8] >> i % 8 & 1;
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[128];
  loadCodes(block, codes);
  const float scale = loadHalf(block);
  for (unsigned i = 0; i < 128; ++i)
    weights[i] = scale * static_cast<float>(2 * codes[i] - 1);
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  parts.groupScales[0] = loadU16(block);
}

extern const Format q1_0Format = {
    .name = "q1_0",
    .ggufId = 41,
    .blockWeights = 128,
    .blockBytes = 18,
    .form = {.family = Family::Affine,
             .bits = 1,
             .codeShift = 1,
             .codeOffset = 1,
             .group = 128,
             .groupScale = GroupScale::F16},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
