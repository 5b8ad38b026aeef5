// IQ3_XXS: 8 groups of 8 points of 4 weights,
// weight = d * (2 * scale + 1) / 4 * magnitude, with signs and 4-bit scales.
//
//   | d f16 | points 64 B | 8 × (signs and scale u32) |
//
// The u32 of a group is as in IQ2_XXS: seven signs of every two points.
#include "dialects/formats/GridBlocks.h"

namespace sinter {

static constexpr CanonicalForm kForm = {.family = Family::Grid,
                                        .bits = 1,
                                        .codeOffset = 64,
                                        .group = 32,
                                        .super = 256,
                                        .groupScale = GroupScale::Integer,
                                        .scaleBits = 4,
                                        .scaleStep = 2,
                                        .scaleOffset = -1,
                                        .codebook = kGrid3Xxs,
                                        .codebookScale = 1.0f / 4,
                                        .points = kIq3XxsPoints.data(),
                                        .pointWeights = 4,
                                        .indexBits = 8,
                                        .half = GridHalf::Parity};

static void split(const uint8_t *block, CanonicalBlock &parts) {
  parts.superScale = loadU16(block);
  for (unsigned i = 0; i < 64; ++i)
    parts.indices[i] = block[2 + i];
  for (unsigned g = 0; g < 8; ++g) {
    const uint32_t rest = loadU32(block + 66 + 4 * g);
    parts.groupScales[g] = rest >> 28;
    for (unsigned i = 0; i < 4; ++i)
      loadEvenSigns(rest >> (7 * i), &parts.codes[32 * g + 8 * i]);
  }
}

extern const Format iQ3_XXSFormat = {
    .name = "iq3_xxs",
    .ggufId = 18,
    .blockWeights = 256,
    .blockBytes = 98,
    .form = kForm,
    .dequantize = dequantizeGrid<split, kForm>,
    .split = split,
};

} // namespace sinter
