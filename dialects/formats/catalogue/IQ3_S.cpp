// IQ3_S: 8 groups of 8 points of 4 weights,
// weight = d * (2 * scale + 1) * magnitude, with signs and 4-bit scales.
//
//   | d f16 | qs 64 B | qh 8 B | signs 32 B | scales 4 B |
//
// A byte of `qs` numbers a point with a bit of `qh` above it, the lowest bit
// first; a byte of `signs` belongs to two points.
#include "dialects/formats/GridBlocks.h"

namespace sinter {

static constexpr CanonicalForm kForm = {.family = Family::Grid,
                                        .bits = 1,
                                        .codeOffset = 16,
                                        .group = 32,
                                        .super = 256,
                                        .groupScale = GroupScale::Integer,
                                        .scaleBits = 4,
                                        .scaleStep = 2,
                                        .scaleOffset = -1,
                                        .codebook = kGrid3S,
                                        .points = kIq3SPoints.data(),
                                        .pointWeights = 4,
                                        .indexBits = 9,
                                        .half = GridHalf::Weight};

static void split(const uint8_t *block, CanonicalBlock &parts) {
  parts.superScale = loadU16(block);
  for (unsigned i = 0; i < 64; ++i) {
    const unsigned high = block[66 + i / 8] >> (i % 8) & 1;
    parts.indices[i] = static_cast<uint16_t>(block[2 + i] | high << 8);
  }
  for (unsigned i = 0; i < 32; ++i)
    loadSigns(block[74 + i], &parts.codes[8 * i]);
  loadScaleNibbles(block + 106, 8, parts.groupScales.data());
}

extern const Format iQ3_SFormat = {
    .name = "iq3_s",
    .ggufId = 21,
    .blockWeights = 256,
    .blockBytes = 110,
    .form = kForm,
    .dequantize = dequantizeGrid<split, kForm>,
    .split = split,
};

} // namespace sinter
