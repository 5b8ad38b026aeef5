// Q6_K: 16 groups of 16 codes of 6 bits,
// weight = (d * scale) * (code - 32), with int8 scales; as scale codes they are
// the byte plus 128.
//
//   | ql 128 B | qh 64 B | scales 16 × int8 | d f16 |
//
// 64 bytes of `ql` are 128 weights: first the low nibbles; 32 bytes of `qh` are
// the top two bits of the same 128: first the lowest pairs.
#include "dialects/formats/BlockBytes.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  uint8_t high[128];
  for (unsigned half = 0; half < 2; ++half) {
    loadNibbles<64>(block + 64 * half, codes + 128 * half);
    loadPairs(block + 128 + 32 * half, high);
    for (unsigned i = 0; i < 128; ++i)
      codes[128 * half + i] |= high[i] << 4;
  }
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[256];
  loadCodes(block, codes);
  const float d = loadHalf(block + 208);
  for (unsigned i = 0; i < 256; ++i) {
    const int8_t scale = static_cast<int8_t>(block[192 + i / 16]);
    weights[i] =
        d * static_cast<float>(scale) * static_cast<float>(codes[i] - 32);
  }
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  for (unsigned g = 0; g < 16; ++g)
    parts.groupScales[g] = block[192 + g] ^ 0x80;
  parts.superScale = loadU16(block + 208);
}

extern const Format q6_KFormat = {
    .name = "q6_k",
    .ggufId = 14,
    .blockWeights = 256,
    .blockBytes = 210,
    .form = {.family = Family::Affine,
             .bits = 6,
             .codeOffset = 32,
             .group = 16,
             .super = 256,
             .groupScale = GroupScale::Integer,
             .scaleBits = 8,
             .scaleOffset = 128},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
