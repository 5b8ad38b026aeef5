/// How a row of 8-bit activations lies in memory: one description for the
/// kernels that write it, the kernels that read it and the buffer planner.
#ifndef SINTER_DIALECTS_TILE_ACTIVATIONLAYOUT_H
#define SINTER_DIALECTS_TILE_ACTIVATIONLAYOUT_H

#include <cstdint>

namespace sinter {

/// What of a block is kept beside its codes, because a weight format needs it.
enum Q8Sums : unsigned {
  kCodes32 = 1, ///< int32 -Σ code << sumShift per 32: formats with an offset
  kMins32 = 2,  ///< float32 scale·Σ code per 32: formats with minima
  kCodes16 = 4, ///< the same per 16, for formats with groups of 16
  kMins16 = 8,
  kFloats32 = 128, ///< 4-bit floats (E2M1), a power of two per 32 as scale
  kFloats16 = 256, ///< the same with a scale of 8 bits (UE4M3) per 16
};

/// Within the set, bits 4 to 6: log2 of what the integer sums are multiplied
/// by, so that the sums of readers that agree in their code offset need no
/// arithmetic.
inline constexpr unsigned kSumShiftBit = 4, kLargestSumShift = 7;
constexpr unsigned sumShift(unsigned sums) {
  return sums >> kSumShiftBit & kLargestSumShift;
}
constexpr unsigned withSumShift(unsigned sums, unsigned shift) {
  return (sums & ~(kLargestSumShift << kSumShiftBit)) | shift << kSumShiftBit;
}

/// Byte offsets within one row:
///   | int8 codes[padded] | f32 scales[padded/32] | those of the set: sums of
///   4 bytes for each 32 or 16, floats of 4 bits, scales of these |
/// `padded` is the width rounded up to 256 (no weight record is longer), the
/// rest being zero codes and scales. Rows are an odd number of 64-byte lines
/// apart, so that rows of a token tile never share one set of the L1 cache.
struct Q8Layout {
  unsigned width, padded;
  unsigned scales, codes32, mins32, codes16, mins16;
  unsigned floats32, floatScales32, floats16, floatScales16;
  unsigned rowBytes;

  static constexpr Q8Layout of(unsigned width, unsigned sums) {
    Q8Layout l{};
    l.width = width;
    l.padded = (width + 255) / 256 * 256;
    unsigned end = l.padded;
    auto place = [&](bool wanted, unsigned per, unsigned bytes) {
      unsigned at = end;
      end += wanted ? l.padded / per * bytes : 0;
      return at;
    };
    l.scales = place(true, 32, 4);
    l.codes32 = place(sums & kCodes32, 32, 4);
    l.mins32 = place(sums & kMins32, 32, 4);
    l.codes16 = place(sums & kCodes16, 16, 4);
    l.mins16 = place(sums & kMins16, 16, 4);
    l.floats32 = place(sums & kFloats32, 2, 1);
    l.floatScales32 = place(sums & kFloats32, 32, 1);
    l.floats16 = place(sums & kFloats16, 2, 1);
    l.floatScales16 = place(sums & kFloats16, 16, 1);
    unsigned lines = (end + 63) / 64;
    l.rowBytes = (lines | 1) * 64;
    return l;
  }
};

} // namespace sinter

#endif // SINTER_DIALECTS_TILE_ACTIVATIONLAYOUT_H
