// Q2_K: 16 groups of 16 codes of 2 bits,
// weight = (d * scale) * code - dmin * min, with scale and min of 4 bits.
//
//   | scales 16 B | qs 64 B | d f16 | dmin f16 |
//
// A byte of `scales` is one group: scale below, min above. 32 bytes of `qs`
// are 128 weights: first the lowest pairs of bits, then the next ones.
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  loadPairs(block + 16, codes);
  loadPairs(block + 48, codes + 128);
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[256];
  loadCodes(block, codes);
  const float d = loadHalf(block + 80);
  const float dmin = loadHalf(block + 82);
  for (unsigned i = 0; i < 256; ++i) {
    const uint8_t pair = block[i / 16];
    const float scale = d * static_cast<float>(pair & 0xF);
    const float min = dmin * static_cast<float>(pair >> 4);
    weights[i] = scale * static_cast<float>(codes[i]) - min;
  }
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  for (unsigned g = 0; g < 16; ++g) {
    parts.groupScales[g] = block[g] & 0xF;
    parts.groupMins[g] = block[g] >> 4;
  }
  parts.superScale = loadU16(block + 80);
  parts.superMin = loadU16(block + 82);
}

extern const Format q2_KFormat = {
    .name = "q2_k",
    .ggufId = 10,
    .blockWeights = 256,
    .blockBytes = 84,
    .form = {.family = Family::Affine,
             .bits = 2,
             .group = 16,
             .super = 256,
             .groupScale = GroupScale::Integer,
             .scaleBits = 4,
             .min = GroupMin::Subtract},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
