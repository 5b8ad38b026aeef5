// Q8_1: 32 signed bytes, weight = d * byte; as a code the byte plus 128.
//
//   | d f16 | s f16 | qs 32 × int8 |
//
// `s` is d times the sum of the bytes; it holds nothing new.
#include "dialects/formats/SignedBytes.h"

namespace sinter {

extern const Format q8_1Format = {
    .name = "q8_1",
    .ggufId = 9,
    .blockWeights = 32,
    .blockBytes = 36,
    .form = kSignedBytes,
    .dequantize = dequantizeSignedBytes<4>,
    .split = splitSignedBytes<4>,
};

} // namespace sinter
