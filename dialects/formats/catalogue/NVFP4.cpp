// NVFP4: 4 groups of 16 codes of FP4 under 8-bit float scales,
// weight = (scale / 2) * doubled FP4 value, times the tensor's own scale.
//
//   | scales 4 × UE4M3 | qs 32 B |
//
// 8 bytes of `qs` are a group: first the low nibbles.
#include "dialects/formats/BlockBytes.h"
#include "dialects/formats/Codebooks.h"

namespace sinter {

static void loadCodes(const uint8_t *block, uint8_t *codes) {
  for (unsigned g = 0; g < 4; ++g)
    loadNibbles<8>(block + 4 + 8 * g, codes + 16 * g);
}

static void dequantize(const uint8_t *block, float *weights) {
  uint8_t codes[64];
  loadCodes(block, codes);
  for (unsigned i = 0; i < 64; ++i) {
    const float scale = ue4m3ToFloat(block[i / 16]) * 0.5f;
    weights[i] = scale * static_cast<float>(kFp4Doubled[codes[i]]);
  }
}

static void split(const uint8_t *block, CanonicalBlock &parts) {
  loadCodes(block, parts.codes.data());
  for (unsigned g = 0; g < 4; ++g)
    parts.groupScales[g] = block[g];
}

extern const Format nVFP4Format = {
    .name = "nvfp4",
    .ggufId = 40,
    .blockWeights = 64,
    .blockBytes = 36,
    .form = {.family = Family::Codebook,
             .bits = 4,
             .codeOffset = 16,
             .group = 16,
             .groupScale = GroupScale::UE4M3,
             .codebook = kFp4Doubled,
             .codebookScale = 0.5f,
             .tensorScale = true},
    .dequantize = dequantize,
    .split = split,
};

} // namespace sinter
