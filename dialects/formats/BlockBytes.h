/// Reads the pieces that several block formats share, so that a format's own
/// file shows only where its pieces lie.
#ifndef SINTER_DIALECTS_FORMATS_BLOCKBYTES_H
#define SINTER_DIALECTS_FORMATS_BLOCKBYTES_H

#include "dialects/formats/Format.h"

namespace sinter {

/// Little-endian 16 bits at any address.
inline uint16_t loadU16(const uint8_t *bytes) {
  return static_cast<uint16_t>(bytes[0] | bytes[1] << 8);
}

inline float loadHalf(const uint8_t *bytes) {
  return halfToFloat(loadU16(bytes));
}

/// Count bytes hold 2 * Count codes: first all low nibbles, then all high ones.
template <unsigned Count>
void loadNibbles(const uint8_t *__restrict bytes, uint8_t *__restrict codes) {
  for (unsigned i = 0; i < Count; ++i)
    codes[i] = bytes[i] & 0xF;
  for (unsigned i = 0; i < Count; ++i)
    codes[Count + i] = bytes[i] >> 4;
}

/// 32 bytes hold 128 codes of two bits: first the lowest pair of every byte.
inline void loadPairs(const uint8_t *__restrict bytes,
                      uint8_t *__restrict codes) {
  for (unsigned pair = 0; pair < 4; ++pair)
    for (unsigned i = 0; i < 32; ++i)
      codes[32 * pair + i] = bytes[i] >> (2 * pair) & 3;
}

/// 32 bytes hold one more bit for 256 codes, first the lowest bit of every
/// byte; it is added to the codes at `place`.
inline void addBitPlane(const uint8_t *__restrict bytes, unsigned place,
                        uint8_t *__restrict codes) {
  for (unsigned bit = 0; bit < 8; ++bit)
    for (unsigned i = 0; i < 32; ++i)
      codes[32 * bit + i] |= (bytes[i] >> bit & 1) << place;
}

/// Four bytes hold the fifth bit of 32 codes, in the order of the codes.
inline void addFifthBits(const uint8_t *bytes, uint8_t *codes) {
  const uint32_t bits = loadU16(bytes) | uint32_t(loadU16(bytes + 2)) << 16;
  for (unsigned i = 0; i < 32; ++i)
    codes[i] |= (bits >> i & 1) << 4;
}

/// The 12 bytes of Q4_K and Q5_K: eight scales and eight mins of six bits.
///   bytes 0..3   scale 0..3, and above it the top two bits of scale 4..7
///   bytes 4..7   min 0..3, and above it the top two bits of min 4..7
///   bytes 8..11  low four bits of scale 4..7, then of min 4..7
inline void loadScalesAndMins(const uint8_t *bytes, uint16_t *scales,
                              uint16_t *mins) {
  for (unsigned i = 0; i < 4; ++i) {
    scales[i] = bytes[i] & 0x3F;
    mins[i] = bytes[4 + i] & 0x3F;
    scales[4 + i] = (bytes[8 + i] & 0xF) | (bytes[i] >> 6) << 4;
    mins[4 + i] = bytes[8 + i] >> 4 | (bytes[4 + i] >> 6) << 4;
  }
}

} // namespace sinter

#endif // SINTER_DIALECTS_FORMATS_BLOCKBYTES_H
