/// What formats share that keep a min beside each scale and differ only in
/// where a block's codes lie, which their `LoadCodes(block, codes)` knows.
#ifndef SINTER_DIALECTS_FORMATS_MINBLOCKS_H
#define SINTER_DIALECTS_FORMATS_MINBLOCKS_H

#include "dialects/formats/BlockBytes.h"

namespace sinter {

/// | d f16 | m f16 | codes |: weight = d * code + m.
template <auto LoadCodes>
void dequantizeHalfMin(const uint8_t *block, float *weights) {
  uint8_t codes[32];
  LoadCodes(block, codes);
  const float scale = loadHalf(block);
  const float min = loadHalf(block + 2);
  for (unsigned i = 0; i < 32; ++i)
    weights[i] = scale * static_cast<float>(codes[i]) + min;
}

template <auto LoadCodes>
void splitHalfMin(const uint8_t *block, CanonicalBlock &parts) {
  LoadCodes(block, parts.codes.data());
  parts.groupScales[0] = loadU16(block);
  parts.groupMins[0] = loadU16(block + 2);
}

/// | d f16 | dmin f16 | scales 12 B | codes |, in 8 groups of 32:
/// weight = (d * scale) * code - dmin * min, with scale and min of 6 bits.
template <auto LoadCodes>
void dequantizeScaledMins(const uint8_t *block, float *weights) {
  uint8_t codes[256];
  uint16_t scales[8], mins[8];
  LoadCodes(block, codes);
  loadScalesAndMins(block + 4, scales, mins);
  const float d = loadHalf(block);
  const float dmin = loadHalf(block + 2);
  for (unsigned i = 0; i < 256; ++i) {
    const float scale = d * static_cast<float>(scales[i / 32]);
    const float min = dmin * static_cast<float>(mins[i / 32]);
    weights[i] = scale * static_cast<float>(codes[i]) - min;
  }
}

template <auto LoadCodes>
void splitScaledMins(const uint8_t *block, CanonicalBlock &parts) {
  LoadCodes(block, parts.codes.data());
  loadScalesAndMins(block + 4, parts.groupScales.data(),
                    parts.groupMins.data());
  parts.superScale = loadU16(block);
  parts.superMin = loadU16(block + 2);
}

} // namespace sinter

#endif // SINTER_DIALECTS_FORMATS_MINBLOCKS_H
