// Q5_K: 8 groups of 32 codes of 5 bits,
// weight = (d * scale) * code - dmin * min, with scale and min of 6 bits.
//
//   | d f16 | dmin f16 | scales 12 B | qh 32 B | qs 128 B |
//
// 32 bytes of `qs` are 64 weights: first the low nibbles. Bit b of the 32 bytes
// of `qh` is the fifth bit of weights 32b .. 32b+31.
#include "dialects/formats/MinBlocks.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  for (unsigned i = 0; i < 4; ++i)
    loadNibbles<32>(block + 48 + 32 * i, codes + 64 * i);
  addBitPlane(block + 16, 4, codes);
}

extern const Format q5_KFormat = {
    .name = "q5_k",
    .ggufId = 13,
    .blockWeights = 256,
    .blockBytes = 176,
    .form = {.family = Family::Affine,
             .bits = 5,
             .group = 32,
             .super = 256,
             .groupScale = GroupScale::Integer,
             .scaleBits = 6,
             .min = GroupMin::Subtract},
    .dequantize = dequantizeScaledMins<loadCodes>,
    .split = splitScaledMins<loadCodes>,
};

} // namespace sinter
