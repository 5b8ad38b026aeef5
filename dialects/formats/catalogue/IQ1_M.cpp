// IQ1_M: 16 groups of 2 points of 8 ternary weights,
// weight = d * (2 * scale + 1) * (digit ± 1/8), the sign being the point's.
//
//   | qs 32 B | qh 16 B | scales 4 × u16 |
//
// A byte of `qs` numbers a point with three bits of a nibble of `qh` above it;
// the nibble's last bit is the sign. A u16 of `scales` has four scales of three
// bits, and above them four bits of `d`, an f16, the lowest four first.
#include "dialects/formats/GridBlocks.h"

namespace sinter {

static constexpr CanonicalForm kForm = {.family = Family::Grid,
                                        .bits = 1,
                                        .codeOffset = 16,
                                        .group = 16,
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
                                        .half = GridHalf::Point};

static void split(const uint8_t *block, CanonicalBlock &parts) {
  for (unsigned i = 0; i < 32; ++i) {
    const unsigned high = block[32 + i / 2] >> (i % 2 * 4) & 0xF;
    parts.indices[i] = static_cast<uint16_t>(block[i] | (high & 7) << 8);
    for (unsigned j = 0; j < 8; ++j)
      parts.codes[8 * i + j] = static_cast<uint8_t>(high >> 3);
  }
  unsigned scale = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned four = loadU16(block + 48 + 2 * i);
    scale |= four >> 12 << (4 * i);
    for (unsigned j = 0; j < 4; ++j)
      parts.groupScales[4 * i + j] = four >> (3 * j) & 7;
  }
  parts.superScale = static_cast<uint16_t>(scale);
}

extern const Format iQ1_MFormat = {
    .name = "iq1_m",
    .ggufId = 29,
    .blockWeights = 256,
    .blockBytes = 56,
    .form = kForm,
    .dequantize = dequantizeGrid<split, kForm>,
    .split = split,
};

} // namespace sinter
