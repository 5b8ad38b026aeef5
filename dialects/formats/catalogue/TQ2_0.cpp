// TQ2_0: 256 codes of 2 bits, weight = d * (code - 1); ternary weights leave
// code 3 unused.
//
//   | qs 64 B | d f16 |
//
// 32 bytes of `qs` are 128 weights: first the lowest pairs of bits.
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  loadPairs(block, codes);
  loadPairs(block + 32, codes + 128);
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[256];
  loadCodes(block, codes);
  const float scale = loadHalf(block + 64);
  for (unsigned i = 0; i < 256; ++i)
    weights[i] = scale * static_cast<float>(codes[i] - 1);
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  parts.groupScales[0] = loadU16(block + 64);
}

extern const Format tQ2_0Format = {
    .name = "tq2_0",
    .ggufId = 35,
    .blockWeights = 256,
    .blockBytes = 66,
    .form = {.family = Family::Affine,
             .bits = 2,
             .codeOffset = 1,
             .group = 256,
             .groupScale = GroupScale::F16},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
