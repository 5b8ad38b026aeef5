// IQ4_XS: 8 groups of 32 codes of 4 bits into a non-linear codebook,
// weight = (d * (scale - 32)) * codebook[code], with scales of 6 bits.
//
//   | d f16 | scales_h 2 B | scales_l 4 B | qs 128 B |
//
// Nibble g of `scales_l` holds the low four bits of scale g, pair g of
// `scales_h` the top two. 16 bytes of `qs` are a group: first the low nibbles.
#include "dialects/formats/BlockBytes.h"
#include "dialects/formats/Codebooks.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  for (unsigned g = 0; g < 8; ++g)
    loadNibbles<16>(block + 8 + 16 * g, codes + 32 * g);
}

static void loadScales(const uint8_t *block, uint16_t *scales) {
  const uint16_t high = loadU16(block + 2);
  for (unsigned g = 0; g < 8; ++g)
    scales[g] = (block[4 + g / 2] >> (g % 2 * 4) & 0xF) | (high >> (2 * g) & 3)
                                                              << 4;
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[256];
  uint16_t scales[8];
  loadCodes(block, codes);
  loadScales(block, scales);
  const float d = loadHalf(block);
  for (unsigned i = 0; i < 256; ++i) {
    const float scale = d * static_cast<float>(scales[i / 32] - 32);
    weights[i] = scale * static_cast<float>(kNonLinear4[codes[i]]);
  }
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  loadScales(block, parts.groupScales.data());
  parts.superScale = loadU16(block);
}

extern const Format iQ4_XSFormat = {
    .name = "iq4_xs",
    .ggufId = 23,
    .blockWeights = 256,
    .blockBytes = 136,
    .form = {.family = Family::Codebook,
             .bits = 4,
             .codeOffset = 128,
             .group = 32,
             .super = 256,
             .groupScale = GroupScale::Integer,
             .scaleBits = 6,
             .scaleOffset = 32,
             .codebook = kNonLinear4},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
