// BF16: one weight, the upper half of a float32.
//
//   | value bf16 |
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void dequantize(const uint8_t *block, float *weights) {
  *weights = bfloat16ToFloat(loadU16(block));
}

extern const Format bF16Format = {
    .name = "bf16",
    .ggufId = 30,
    .blockWeights = 1,
    .blockBytes = 2,
    .form = {.family = Family::Plain, .plain = PlainType::BF16},
    .dequantize = dequantize,
    .split = nullptr,
};

} // namespace sinter
