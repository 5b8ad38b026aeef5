// Q4_K: 8 groups of 32 codes of 4 bits,
// weight = (d * scale) * code - dmin * min, with scale and min of 6 bits.
//
//   | d f16 | dmin f16 | scales 12 B | qs 128 B |
//
// 32 bytes of `qs` are 64 weights: first the low nibbles.
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  for (unsigned i = 0; i < 4; ++i)
    loadNibbles<32>(block + 16 + 32 * i, codes + 64 * i);
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[256];
  uint16_t scales[8], mins[8];
  loadCodes(block, codes);
  loadScalesAndMins(block + 4, scales, mins);
  const float d = loadHalf(block);
  const float dmin = loadHalf(block + 2);
  for (unsigned i = 0; i < 256; ++i) {
    const float scale = d * static_cast<float>(scales[i / 32]);
    const float min = dmin * static_cast<float>(mins[i / 32]);
    weights[i] = scale * static_cast<float>(codes[i]) - min;
  }
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  loadScalesAndMins(block + 4, parts.groupScales.data(),
                    parts.groupMins.data());
  parts.superScale = loadU16(block);
  parts.superMin = loadU16(block + 2);
}

extern const Format q4_KFormat = {
    .name = "q4_k",
    .ggufId = 12,
    .blockWeights = 256,
    .blockBytes = 144,
    .form = {.family = Family::Affine,
             .bits = 4,
             .group = 32,
             .super = 256,
             .groupScale = GroupScale::Integer,
             .scaleBits = 6,
             .min = GroupMin::Subtract},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
