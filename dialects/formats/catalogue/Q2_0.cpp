// Q2_0: 64 codes of 2 bits, weight = d * (code - 1).
//
//   | d f16 | qs 16 B |
//
// Pair p of byte i is weight 4i + p.
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  for (unsigned i = 0; i < 64; ++i)
    codes[i] = block[2 + i / 4] >> (2 * (i % 4)) & 3;
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[64];
  loadCodes(block, codes);
  const float scale = loadHalf(block);
  for (unsigned i = 0; i < 64; ++i)
    weights[i] = scale * static_cast<float>(codes[i] - 1);
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  parts.groupScales[0] = loadU16(block);
}

extern const Format q2_0Format = {
    .name = "q2_0",
    .ggufId = 42,
    .blockWeights = 64,
    .blockBytes = 18,
    .form = {.family = Family::Affine,
             .bits = 2,
             .codeOffset = 1,
             .group = 64,
             .groupScale = GroupScale::F16},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
