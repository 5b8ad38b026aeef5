// MXFP4: 32 codes of FP4 under a power-of-two scale (OCP MX specification 1.0),
// weight = (2^(e - 127) / 2) * doubled FP4 value.
//
//   | e E8M0 | qs 16 B |
#include "dialects/formats/BlockBytes.h"
#include "dialects/formats/Codebooks.h"

namespace sinter {

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[32];
  loadNibbles<16>(block + 1, codes);
  const float scale = e8m0ToFloat(block[0]) * 0.5f;
  for (unsigned i = 0; i < 32; ++i)
    weights[i] = scale * static_cast<float>(kFp4Doubled[codes[i]]);
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadNibbles<16>(block + 1, parts.codes.data());
  parts.groupScales[0] = block[0];
}

extern const Format mXFP4Format = {
    .name = "mxfp4",
    .ggufId = 39,
    .blockWeights = 32,
    .blockBytes = 17,
    .form = {.family = Family::Codebook,
             .bits = 4,
             .codeOffset = 16,
             .group = 32,
             .groupScale = GroupScale::E8M0,
             .codebook = kFp4Doubled,
             .codebookScale = 0.5f},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
