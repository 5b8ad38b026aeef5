// IQ1_S: 8 groups of 4 points of 8 ternary weights,
// weight = d * (2 * scale + 1) * (digit ± 1/8), the sign being the group's.
//
//   | d f16 | qs 32 B | qh 8 × u16 |
//
// A byte of `qs` numbers a point with three bits of its group's `qh` above it,
// the lowest three first; then come three bits of scale and the sign.
#include "dialects/formats/GridBlocks.h"

namespace sinter {

static constexpr CanonicalForm kForm = {.family = Family::Grid,
                                        .bits = 1,
                                        .codeOffset = 16,
                                        .group = 32,
                                        .super = 256,
                                        .groupScale = GroupScale::Integer,
                                        .scaleBits = 3,
                                        .scaleStep = 2,
                                        .scaleOffset = -1,
                                        .codebook = kGrid1,
                                        .codebookScale = 1.0f / 8,
                                        .points = kIq1Points.data(),
                                        .pointWeights = 8,
                                        .indexBits = 11,
                                        .half = GridHalf::Group};

static void split(const uint8_t *block, CanonicalBlock &parts) {
  parts.superScale = loadU16(block);
  for (unsigned g = 0; g < 8; ++g) {
    const uint16_t high = loadU16(block + 34 + 2 * g);
    parts.groupScales[g] = high >> 12 & 7;
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned top = high >> (3 * i) & 7;
      parts.indices[4 * g + i] =
          static_cast<uint16_t>(block[2 + 4 * g + i] | top << 8);
    }
    for (unsigned i = 0; i < 32; ++i)
      parts.codes[32 * g + i] = high >> 15;
  }
}

extern const Format iQ1_SFormat = {
    .name = "iq1_s",
    .ggufId = 19,
    .blockWeights = 256,
    .blockBytes = 50,
    .form = kForm,
    .dequantize = dequantizeGrid<split, kForm>,
    .split = split,
};

} // namespace sinter
