// Q8_1: 32 signed bytes, weight = d * byte; as a code the byte plus 128.
//
//   | d f16 | s f16 | qs 32 × int8 |
//
// `s` is d times the sum of the bytes; it holds nothing new.
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  for (unsigned i = 0; i < 32; ++i)
    codes[i] = block[4 + i] ^ 0x80;
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[32];
  loadCodes(block, codes);
  const float scale = loadHalf(block);
  for (unsigned i = 0; i < 32; ++i)
    weights[i] = scale * static_cast<float>(codes[i] - 128);
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  parts.groupScales[0] = loadU16(block);
}

extern const Format q8_1Format = {
    .name = "q8_1",
    .ggufId = 9,
    .blockWeights = 32,
    .blockBytes = 36,
    .form = {.family = Family::Affine,
             .bits = 8,
             .codeOffset = 128,
             .group = 32,
             .groupScale = GroupScale::F16},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
