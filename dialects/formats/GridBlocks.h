/// What the grid formats share: their codebooks, the pieces of their blocks,
/// and the weights that follow from canonical parts.
#ifndef SINTER_DIALECTS_FORMATS_GRIDBLOCKS_H
#define SINTER_DIALECTS_FORMATS_GRIDBLOCKS_H

#include "dialects/formats/BlockBytes.h"
#include "dialects/formats/GridPoints.h"

namespace sinter {

/// IQ2: three magnitudes, then the same negated.
inline constexpr std::array<int8_t, 16> kGrid2 = {8,  25,  43,  0, 0, 0, 0, 0,
                                                  -8, -25, -43, 0, 0, 0, 0, 0};
/// IQ3_XXS and IQ3_S: eight magnitudes, then the same negated.
inline constexpr std::array<int8_t, 16> kGrid3Xxs = {
    4, 12, 20, 28, 36, 44, 52, 62, -4, -12, -20, -28, -36, -44, -52, -62};
inline constexpr std::array<int8_t, 16> kGrid3S = {
    1, 3, 5, 7, 9, 11, 13, 15, -1, -3, -5, -7, -9, -11, -13, -15};
/// IQ1: -1, 0 and 1, shifted by an eighth up or, in the upper half, down; in
/// eighths.
inline constexpr std::array<int8_t, 16> kGrid1 = {-7, 1,  9, 0, 0, 0, 0, 0,
                                                  -9, -1, 7, 0, 0, 0, 0, 0};

inline uint32_t loadU32(const uint8_t *bytes) {
  return loadU16(bytes) | uint32_t(loadU16(bytes + 2)) << 16;
}

/// Eight signs from the bits of a byte, the lowest first.
inline void loadSigns(uint32_t bits, uint8_t *halves) {
  for (unsigned i = 0; i < 8; ++i)
    halves[i] = bits >> i & 1;
}

/// Eight signs of which the last makes their number even.
inline void loadEvenSigns(uint32_t bits, uint8_t *halves) {
  loadSigns(bits & 0x7F, halves);
  for (unsigned i = 0; i < 7; ++i)
    halves[7] ^= halves[i];
}

/// Two scale codes of four bits from each byte, the lower first.
inline void loadScaleNibbles(const uint8_t *bytes, unsigned groups,
                             uint16_t *scales) {
  for (unsigned g = 0; g < groups; ++g)
    scales[g] = bytes[g / 2] >> (g % 2 * 4) & 0xF;
}

/// The weights of a block under a super scale.
template <auto Split, const CanonicalForm &Form>
void dequantizeGrid(const uint8_t *block, float *weights) {
  CanonicalBlock parts;
  Split(block, parts);
  const unsigned bits = 16 / Form.pointWeights;
  for (unsigned i = 0; i < Form.super; ++i) {
    const uint16_t point = Form.points[parts.indices[i / Form.pointWeights]];
    const unsigned code =
        point >> (i % Form.pointWeights * bits) & ((1u << bits) - 1);
    const int steps =
        Form.scaleStep * parts.groupScales[i / Form.group] - Form.scaleOffset;
    const float scale = halfToFloat(parts.superScale) *
                        static_cast<float>(steps) * Form.codebookScale;
    weights[i] =
        scale * static_cast<float>(Form.codebook[code | parts.codes[i] << 3]);
  }
}

} // namespace sinter

#endif // SINTER_DIALECTS_FORMATS_GRIDBLOCKS_H
