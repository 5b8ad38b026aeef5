// Q4_1: 32 codes of 4 bits, weight = d * code + m.
//
//   | d f16 | m f16 | qs 16 B |
#include "dialects/formats/MinBlocks.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  loadNibbles<16>(block + 4, codes);
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
    .dequantize = dequantizeHalfMin<loadCodes>,
    .split = splitHalfMin<loadCodes>,
};

} // namespace sinter
