/// Which weight formats matrix units multiply as 4-bit floats, if the rows they
/// are multiplied with are given so.
#ifndef SINTER_DIALECTS_TILE_FLOAT4_H
#define SINTER_DIALECTS_TILE_FLOAT4_H

#include "dialects/formats/Codebooks.h"
#include "dialects/formats/Format.h"
#include "dialects/tile/ActivationLayout.h"

namespace sinter {

/// What a row must have beside its codes (a bit of Q8Sums); 0: there is no such
/// product.
inline unsigned float4Of(const Format &format) {
  const CanonicalForm &form = format.form;
  if (form.family != Family::Codebook || form.codebook != kFp4Doubled)
    return 0;
  if (form.group == 32 && form.groupScale == GroupScale::E8M0)
    return kFloats32;
  if (form.group == 16 && form.groupScale == GroupScale::UE4M3)
    return kFloats16;
  return 0;
}

} // namespace sinter

#endif // SINTER_DIALECTS_TILE_FLOAT4_H
