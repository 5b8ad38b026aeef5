// IQ4_NL: 32 codes of 4 bits into a non-linear codebook,
// weight = d * codebook[code].
//
//   | d f16 | qs 16 B |
#include "dialects/formats/BlockBytes.h"
#include "dialects/formats/Codebooks.h"

namespace sinter {

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[32];
  loadNibbles<16>(block + 2, codes);
  const float scale = loadHalf(block);
  for (unsigned i = 0; i < 32; ++i)
    weights[i] = scale * static_cast<float>(kNonLinear4[codes[i]]);
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadNibbles<16>(block + 2, parts.codes.data());
  parts.groupScales[0] = loadU16(block);
}

extern const Format iQ4_NLFormat = {
    .name = "iq4_nl",
    .ggufId = 20,
    .blockWeights = 32,
    .blockBytes = 18,
    .form = {.family = Family::Codebook,
             .bits = 4,
             .codeOffset = 128,
             .group = 32,
             .groupScale = GroupScale::F16,
             .codebook = kNonLinear4},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
