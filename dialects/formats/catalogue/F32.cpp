// F32: one weight, float32, little-endian.
//
//   | value f32 |
#include "dialects/formats/Format.h"

#include <cstring>

namespace sinter {

static void dequantize(const uint8_t *block, float *weights) {
  std::memcpy(weights, block, sizeof(float));
}

extern const Format f32Format = {
    .name = "f32",
    .ggufId = 0,
    .blockWeights = 1,
    .blockBytes = 4,
    .form = {.family = Family::Plain, .plain = PlainType::F32},
    .dequantize = dequantize,
    .split = nullptr,
};

} // namespace sinter
