// IQ2_XXS: 8 groups of 4 points of 8 weights,
// weight = d * (2 * scale + 1) / 8 * magnitude, with signs and 4-bit scales.
//
//   | d f16 | 8 × (points 4 B | signs and scale u32) |
//
// The u32 has seven signs of each point, the first point's lowest, and the
// scale above them. The eighth sign makes the number of negative weights even.
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
                                        .codebook = kGrid2,
                                        .codebookScale = 1.0f / 8,
                                        .points = kIq2XxsPoints.data(),
                                        .pointWeights = 8,
                                        .indexBits = 8,
                                        .half = GridHalf::Parity};

static void split(const uint8_t *block, CanonicalBlock &parts) {
  parts.superScale = loadU16(block);
  for (unsigned g = 0; g < 8; ++g) {
    const uint8_t *group = block + 2 + 8 * g;
    const uint32_t rest = loadU32(group + 4);
    parts.groupScales[g] = rest >> 28;
    for (unsigned i = 0; i < 4; ++i) {
      parts.indices[4 * g + i] = group[i];
      loadEvenSigns(rest >> (7 * i), &parts.codes[32 * g + 8 * i]);
    }
  }
}

extern const Format iQ2_XXSFormat = {
    .name = "iq2_xxs",
    .ggufId = 16,
    .blockWeights = 256,
    .blockBytes = 66,
    .form = kForm,
    .dequantize = dequantizeGrid<split, kForm>,
    .split = split,
};

} // namespace sinter
