// Q4_K: 8 groups of 32 codes of 4 bits,
// weight = (d * scale) * code - dmin * min, with scale and min of 6 bits.
//
//   | d f16 | dmin f16 | scales 12 B | qs 128 B |
//
// 32 bytes of `qs` are 64 weights: first the low nibbles.
#include "dialects/formats/MinBlocks.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  for (unsigned i = 0; i < 4; ++i)
    loadNibbles<32>(block + 16 + 32 * i, codes + 64 * i);
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
    .dequantize = dequantizeScaledMins<loadCodes>,
    .split = splitScaledMins<loadCodes>,
};

} // namespace sinter
