// Q5_0: 32 codes of 5 bits, weight = d * (code - 16).
//
//   | d f16 | qh 4 B | qs 16 B |      qh: the fifth bit of each code
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  loadNibbles<16>(block + 6, codes);
  addFifthBits(block + 2, codes);
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[32];
  loadCodes(block, codes);
  const float scale = loadHalf(block);
  for (unsigned i = 0; i < 32; ++i)
    weights[i] = scale * static_cast<float>(codes[i] - 16);
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  parts.groupScales[0] = loadU16(block);
}

extern const Format q5_0Format = {
    .name = "q5_0",
    .ggufId = 6,
    .blockWeights = 32,
    .blockBytes = 22,
    .form = {.family = Family::Affine,
             .bits = 5,
             .codeOffset = 16,
             .group = 32,
             .groupScale = GroupScale::F16},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
