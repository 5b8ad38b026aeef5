/// Computes weights from canonical parts alone, in float32, as a kernel for a
/// family would: tests hold this against each format's own dequantisation.
#ifndef SINTER_TEST_UNIT_CANONICALVALUES_H
#define SINTER_TEST_UNIT_CANONICALVALUES_H

#include "dialects/formats/Format.h"

#include <bit>

namespace sinter {

/// Scale of group `group` (without the tensor's scale).
inline float canonicalScale(const CanonicalForm &form,
                            const CanonicalBlock &parts, unsigned group) {
  const uint16_t bits = parts.groupScales[group];
  switch (form.groupScale) {
  case GroupScale::F32:
    return std::bit_cast<float>(parts.groupScales[0] |
                                uint32_t(parts.groupScales[1]) << 16);
  case GroupScale::F16:
    return halfToFloat(bits) * form.codebookScale;
  case GroupScale::E8M0:
    return e8m0ToFloat(static_cast<uint8_t>(bits)) * form.codebookScale;
  case GroupScale::UE4M3:
    return ue4m3ToFloat(static_cast<uint8_t>(bits)) * form.codebookScale;
  case GroupScale::Integer:
    return halfToFloat(parts.superScale) *
           static_cast<float>(form.scaleStep * int(bits) - form.scaleOffset) *
           form.codebookScale;
  case GroupScale::None:
    break;
  }
  return 1.0f;
}

/// Weight `i` of a block.
inline float canonicalWeight(const CanonicalForm &form,
                             const CanonicalBlock &parts, unsigned i) {
  const unsigned group = i / form.group;
  const float scale = canonicalScale(form, parts, group);
  if (form.family == Family::Grid) {
    const uint16_t point = form.points[parts.indices[i / form.pointWeights]];
    const unsigned bits = 16 / form.pointWeights;
    const unsigned code =
        point >> (i % form.pointWeights * bits) & ((1u << bits) - 1);
    return scale *
           static_cast<float>(form.codebook[code | parts.codes[i] << 3]);
  }
  const int code = parts.codes[i] << form.codeShift;
  if (form.family == Family::Codebook)
    return scale * static_cast<float>(form.codebook[code]);
  const float product = scale * static_cast<float>(code - int(form.codeOffset));
  if (form.min == GroupMin::None)
    return product;
  const uint16_t bits = parts.groupMins[group];
  const float min = form.groupScale == GroupScale::Integer
                        ? halfToFloat(parts.superMin) * static_cast<float>(bits)
                        : halfToFloat(bits);
  return form.min == GroupMin::Add ? product + min : product - min;
}

} // namespace sinter

#endif // SINTER_TEST_UNIT_CANONICALVALUES_H
