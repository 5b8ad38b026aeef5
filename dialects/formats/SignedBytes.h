/// What formats share whose block is an F16 scale and, from byte `First` on, 32
/// signed bytes: weight = d * byte; as a code the byte plus 128.
#ifndef SINTER_DIALECTS_FORMATS_SIGNEDBYTES_H
#define SINTER_DIALECTS_FORMATS_SIGNEDBYTES_H

#include "dialects/formats/BlockBytes.h"

namespace sinter {

inline constexpr CanonicalForm kSignedBytes = {.family = Family::Affine,
                                               .bits = 8,
                                               .codeOffset = 128,
                                               .group = 32,
                                               .groupScale = GroupScale::F16};

template <unsigned First>
void dequantizeSignedBytes(const uint8_t *block, float *weights) {
  const float scale = loadHalf(block);
  for (unsigned i = 0; i < 32; ++i)
    weights[i] =
        scale * static_cast<float>(static_cast<int8_t>(block[First + i]));
}

template <unsigned First>
void splitSignedBytes(const uint8_t *block, CanonicalBlock &parts) {
  for (unsigned i = 0; i < 32; ++i)
    parts.codes[i] = block[First + i] ^ 0x80;
  parts.groupScales[0] = loadU16(block);
}

} // namespace sinter

#endif // SINTER_DIALECTS_FORMATS_SIGNEDBYTES_H
