// Q8_K: 256 signed bytes, weight = d * byte; as a code the byte plus 128.
//
//   | d f32 | qs 256 × int8 | bsums 16 × int16 |
//
// `bsums` are the sums of every 16 bytes of `qs`; they hold nothing new.
#include "dialects/formats/BlockBytes.h"

#include <cstring>

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  for (unsigned i = 0; i < 256; ++i)
    codes[i] = block[4 + i] ^ 0x80;
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[256];
  loadCodes(block, codes);
  float scale;
  std::memcpy(&scale, block, sizeof(scale));
  for (unsigned i = 0; i < 256; ++i)
    weights[i] = scale * static_cast<float>(codes[i] - 128);
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  parts.groupScales[0] = loadU16(block);
  parts.groupScales[1] = loadU16(block + 2);
}

extern const Format q8_KFormat = {
    .name = "q8_k",
    .ggufId = 15,
    .blockWeights = 256,
    .blockBytes = 292,
    .form = {.family = Family::Affine,
             .bits = 8,
             .codeOffset = 128,
             .group = 256,
             .groupScale = GroupScale::F32},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
