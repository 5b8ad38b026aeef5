// Q8_0: 32 signed bytes, weight = d * byte; as a code the byte plus 128.
//
//   | d f16 | qs 32 × int8 |
#include "dialects/formats/SignedBytes.h"

namespace sinter {

extern const Format q8_0Format = {
    .name = "q8_0",
    .ggufId = 8,
    .blockWeights = 32,
    .blockBytes = 34,
    .form = kSignedBytes,
    .dequantize = dequantizeSignedBytes<2>,
    .split = splitSignedBytes<2>,
};

} // namespace sinter
