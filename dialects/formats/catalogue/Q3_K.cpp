// Q3_K: 16 groups of 16 codes of 3 bits,
// weight = (d * (scale - 32)) * (code - 4), with scales of 6 bits.
//
//   | hmask 32 B | qs 64 B | scales 12 B | d f16 |
//
// `qs` as in Q2_K; bit b of the 32 bytes of `hmask` is the third bit of weights
// 32b .. 32b+31. Scales: bytes 0..7 hold the low four bits of groups 0..7 below
// and of groups 8..15 above; byte 8 + i holds the top two bits of groups i,
// 4 + i, 8 + i and 12 + i, from the lowest pair up.
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  loadPairs(block + 32, codes);
  loadPairs(block + 64, codes + 128);
  addBitPlane(block, 2, codes);
}

static void loadScales(const uint8_t *block, uint16_t *scales) {
  const uint8_t *low = block + 96;
  const uint8_t *high = block + 104;
  for (unsigned g = 0; g < 16; ++g)
    scales[g] = (low[g % 8] >> (g / 8 * 4) & 0xF) |
                (high[g % 4] >> (g / 4 * 2) & 3) << 4;
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[256];
  uint16_t scales[16];
  loadCodes(block, codes);
  loadScales(block, scales);
  const float d = loadHalf(block + 108);
  for (unsigned i = 0; i < 256; ++i) {
    const float scale = d * static_cast<float>(scales[i / 16] - 32);
    weights[i] = scale * static_cast<float>(codes[i] - 4);
  }
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  loadScales(block, parts.groupScales.data());
  parts.superScale = loadU16(block + 108);
}

extern const Format q3_KFormat = {
    .name = "q3_k",
    .ggufId = 11,
    .blockWeights = 256,
    .blockBytes = 110,
    .form = {.family = Family::Affine,
             .bits = 3,
             .codeOffset = 4,
             .group = 16,
             .super = 256,
             .groupScale = GroupScale::Integer,
             .scaleBits = 6,
             .scaleOffset = 32},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
