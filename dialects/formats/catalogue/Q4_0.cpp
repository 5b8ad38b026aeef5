// Q4_0: 32 codes of 4 bits, weight = d * (code - 8).
//
//   | d f16 | qs 16 B |
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  loadNibbles<16>(block + 2, codes);
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[32];
  loadCodes(block, codes);
  const float scale = loadHalf(block);
  for (unsigned i = 0; i < 32; ++i)
    weights[i] = scale * static_cast<float>(codes[i] - 8);
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  parts.groupScales[0] = loadU16(block);
}

extern const Format q4_0Format = {
    .name = "q4_0",
    .ggufId = 2,
    .blockWeights = 32,
    .blockBytes = 18,
    .form = {.family = Family::Affine,
             .bits = 4,
             .codeOffset = 8,
             .group = 32,
             .groupScale = GroupScale::F16},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
