// IQ2_S: 16 groups of 2 points of 8 weights,
// weight = d * (2 * scale + 1) / 8 * magnitude, with signs and 4-bit scales.
//
//   | d f16 | qs 32 B | signs 32 B | qh 8 B | scales 8 B |
//
// A byte of `qs` numbers a point with a pair of bits of `qh` above it, the
// lowest pair first; a byte of `signs` belongs to a point.
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
                                        .points = kIq2SPoints.data(),
                                        .pointWeights = 8,
                                        .indexBits = 10,
                                        .half = GridHalf::Weight};

static void split(const uint8_t *block, CanonicalBlock &parts) {
  parts.superScale = loadU16(block);
  for (unsigned i = 0; i < 32; ++i) {
    const unsigned high = block[66 + i / 4] >> (2 * (i % 4)) & 3;
    parts.indices[i] = static_cast<uint16_t>(block[2 + i] | high << 8);
    loadSigns(block[34 + i], &parts.codes[8 * i]);
  }
  loadScaleNibbles(block + 74, 16, parts.groupScales.data());
}

extern const Format iQ2_SFormat = {
    .name = "iq2_s",
    .ggufId = 22,
    .blockWeights = 256,
    .blockBytes = 82,
    .form = kForm,
    .dequantize = dequantizeGrid<split, kForm>,
    .split = split,
};

} // namespace sinter
