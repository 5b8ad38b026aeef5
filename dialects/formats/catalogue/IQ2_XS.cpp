// IQ2_XS: 16 groups of 2 points of 8 weights,
// weight = d * (2 * scale + 1) / 8 * magnitude, with signs and 4-bit scales.
//
//   | d f16 | qs 32 × u16 | scales 8 B |
//
// Nine bits of a u16 number a point, the seven above are its signs; the eighth
// sign makes the number of negative weights even.
#include "dialects/formats/GridBlocks.h"

namespace sinter {

static constexpr CanonicalForm kForm = {.family = Family::Grid,
                                        .bits = 1,
                                        .codeOffset = 64,
                                        .group = 16,
                                        .super = 256,
                                        .groupScale = GroupScale::Integer,
                                        .scaleBits = 4,
                                        .scaleStep = 2,
                                        .scaleOffset = -1,
                                        .codebook = kGrid2,
                                        .codebookScale = 1.0f / 8,
                                        .points = kIq2XsPoints.data(),
                                        .pointWeights = 8,
                                        .indexBits = 9,
                                        .half = GridHalf::Parity};

static void split(const uint8_t *block, CanonicalBlock &parts) {
  parts.superScale = loadU16(block);
  for (unsigned i = 0; i < 32; ++i) {
    const uint16_t both = loadU16(block + 2 + 2 * i);
    parts.indices[i] = both & 0x1FF;
    loadEvenSigns(both >> 9, &parts.codes[8 * i]);
  }
  loadScaleNibbles(block + 66, 16, parts.groupScales.data());
}

extern const Format iQ2_XSFormat = {
    .name = "iq2_xs",
    .ggufId = 17,
    .blockWeights = 256,
    .blockBytes = 74,
    .form = kForm,
    .dequantize = dequantizeGrid<split, kForm>,
    .split = split,
};

} // namespace sinter
