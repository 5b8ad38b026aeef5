// Rows as 4-bit floats (E2M1: 0, 1/2, 1, 3/2, 2, 3, 4, 6 and a sign), for the
// matrix units that multiply such (Float4Gemm.cuh): beside the bytes of a row,
// in the order in which a lane of these units takes them.
namespace sinter::cuda {

/// The nearest one of E2M1, of two the one with an even code.
inline uint32_t float4Of(float value) {
  const float size = fabsf(value);
  const uint32_t code = (size > 0.25f) + (size >= 0.75f) + (size > 1.25f) +
                        (size >= 1.75f) + (size > 2.5f) + (size >= 3.5f) +
                        (size > 5.0f);
  return code | (value < 0 ? 8u : 0u);
}

/// A block's scale as its byte, with what to divide its numbers by.
struct Float4Scale {
  uint32_t byte;
  float value;

  /// The least power of two that leaves nothing above 6 (E8M0).
  static Float4Scale powerFor(float largest) {
    const uint32_t bits = bitsOfFloat(largest * (1.0f / 6.0f));
    const uint32_t byte = (bits >> 23) + ((bits & 0x7fffffu) != 0);
    return {byte, floatOfBits(byte ? byte << 23 : 0x00400000u)};
  }
  /// The float of 4 exponent and 3 mantissa bits nearest to a sixth of the
  /// largest; 448 at most (UE4M3).
  static Float4Scale nearestFor(float largest) {
    const float wanted = fminf(largest * (1.0f / 6.0f), 448.0f);
    if (wanted < 0.015625f) { // subnormal: steps of 2^-9
      const float steps = rintf(wanted * 512.0f);
      return {uint32_t(steps), steps * (1.0f / 512.0f)};
    }
    uint32_t bits = bitsOfFloat(wanted);
    bits = (bits + 0x7ffffu + (bits >> 20 & 1)) & ~0xfffffu;
    return {(bits >> 20) - (120u << 3), floatOfBits(bits)};
  }
};

/// Writes the bytes of columns 32 * block ... of a row, of which lane n has the
/// n-th, where a byte holds the columns of lanes n and n ^ `partner`.
template <unsigned partner>
inline void writeFloats4(char *floats, unsigned block, float value,
                         Float4Scale scale) {
  const unsigned lane = laneIndex();
  const int own = scale.byte ? int(float4Of(value / scale.value)) : 0;
  const int other = shuffleXor(own, partner);
  if (lane & partner)
    return;
  const unsigned place = lane % partner + lane / (2 * partner) * partner;
  storeAt<uint8_t>(floats, 16 * block + place, uint8_t(own | other << 4));
}

/// Under a power of two per 32: as the lanes take MXFP4's codes, whose bytes
/// hold columns n and n + 16.
template <typename R>
inline void writeFloats32(char *row, unsigned block, float value) {
  constexpr Q8Layout layout = R::layout;
  const Float4Scale scale = Float4Scale::powerFor(warpMax(fabsf(value)));
  writeFloats4<16>(row + layout.floats32, block, value, scale);
  if (laneIndex() == 0)
    storeAt<uint8_t>(row, layout.floatScales32 + block, uint8_t(scale.byte));
}

/// Under a scale per 16: bytes of columns n and n + 4. The four scales of two
/// blocks lie as Float4Gemm.cuh takes the groups: the first of each block, then
/// the second of each.
template <typename R>
inline void writeFloats16(char *row, unsigned block, float value) {
  constexpr Q8Layout layout = R::layout;
  float largest = fabsf(value);
  for (unsigned mask = 8; mask; mask /= 2)
    largest = fmaxf(largest, shuffleXor(largest, mask));
  const Float4Scale scale = Float4Scale::nearestFor(largest);
  writeFloats4<4>(row + layout.floats16, block, value, scale);
  const unsigned lane = laneIndex();
  if (lane % 16 == 0)
    storeAt<uint8_t>(row,
                     layout.floatScales16 + block / 2 * 4 + lane / 16 * 2 +
                         block % 2,
                     uint8_t(scale.byte));
}

} // namespace sinter::cuda
