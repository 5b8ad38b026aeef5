// Q4_1: 32 codes of 4 bits, weight = d * code + m.
//
//   | d f16 | m f16 | qs 16 B |
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  loadNibbles<16>(block + 4, codes);
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[32];
  loadCodes(block, codes);
  const float scale = loadHalf(block);
  const float min = loadHalf(block + 2);
  for (unsigned i = 0; i < 32; ++i)
    weights[i] = scale * static_cast<float>(codes[i]) + min;
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  parts.groupScales[0] = loadU16(block);
  parts.groupMins[0] = loadU16(block + 2);
}

extern const Format q4_1Format = {
    .name = "q4_1",
    .ggufId = 3,
    .blockWeights = 32,
    .blockBytes = 20,
    .form = {.family = Family::Affine,
             .bits = 4,
             .group = 32,
             .groupScale = GroupScale::F16,
             .min = GroupMin::Add},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
