// F16: one weight, IEEE half.
//
//   | value f16 |
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void dequantize(const uint8_t *block, float *weights) {
  *weights = loadHalf(block);
}

extern const Format f16Format = {
    .name = "f16",
    .ggufId = 1,
    .blockWeights = 1,
    .blockBytes = 2,
    .form = {.family = Family::Plain, .plain = PlainType::F16},
    .dequantize = dequantize,
    .split = nullptr,
};

} // namespace sinter
