// Q5_1: 32 codes of 5 bits, weight = d * code + m.
//
//   | d f16 | m f16 | qh 4 B | qs 16 B |      qh: the fifth bit of each code
#include "dialects/formats/MinBlocks.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  loadNibbles<16>(block + 8, codes);
  addFifthBits(block + 4, codes);
}

extern const Format q5_1Format = {
    .name = "q5_1",
    .ggufId = 7,
    .blockWeights = 32,
    .blockBytes = 24,
    .form = {.family = Family::Affine,
             .bits = 5,
             .group = 32,
             .groupScale = GroupScale::F16,
             .min = GroupMin::Add},
    .dequantize = dequantizeHalfMin<loadCodes>,
    .split = splitHalfMin<loadCodes>,
};

} // namespace sinter
