/// What caches of bytes hold, by their definitions: for the tests of the
/// kernels that write and read them, on every target.
#ifndef SINTER_TEST_UNIT_CACHEBYTES_H
#define SINTER_TEST_UNIT_CACHEBYTES_H

#include "dialects/formats/Format.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <vector>

namespace sinter::test {

enum class ByteForm { Q8_0, E4m3 };

inline const char *elementText(ByteForm form) {
  return form == ByteForm::Q8_0 ? "!sinter.q8_0" : "f8E4M3FN";
}

inline uint16_t halfOf(float value) {
  auto half = static_cast<_Float16>(value);
  uint16_t bits;
  std::memcpy(&bits, &half, 2);
  return bits;
}

/// OCP 8-bit floating point: the number of a code.
inline double numberOfE4m3(unsigned code) {
  unsigned exponent = code >> 3 & 15, mantissa = code & 7;
  double size = exponent ? std::ldexp(8 + mantissa, int(exponent) - 10)
                         : std::ldexp(mantissa, -9);
  return code & 0x80 ? -size : size;
}

/// The code that is nearest; of two, the even one. 0x7f and 0xff are no
/// numbers.
inline uint8_t e4m3Of(float value) {
  unsigned best = 0;
  for (unsigned code = 1; code < 0x7f; ++code) {
    double own = std::abs(numberOfE4m3(code) - std::abs(double(value)));
    double other = std::abs(numberOfE4m3(best) - std::abs(double(value)));
    if (own < other || (own == other && code % 2 == 0))
      best = code;
  }
  return uint8_t(best | (std::signbit(value) ? 0x80 : 0));
}

/// 32 numbers as signed bytes, the largest being 127.
struct SignedBlock {
  int8_t codes[32];
  float scale;

  explicit SignedBlock(const float *numbers) {
    float largest = 0;
    for (unsigned i = 0; i < 32; ++i)
      largest = std::max(largest, std::abs(numbers[i]));
    scale = largest * (1.0f / 127.0f);
    for (unsigned i = 0; i < 32; ++i)
      codes[i] = int8_t(largest < 1e-30f
                            ? 0
                            : std::nearbyint(numbers[i] * (127.0f / largest)));
  }
};

/// Pages of one layer: heads of keyWidth and valueWidth, by the layout of
/// PlanState in runtime/ArtifactFormat.h.
struct BytePages {
  ByteForm form;
  unsigned heads, keyWidth, valueWidth, pageTokens;
  std::vector<uint8_t> bytes;

  BytePages(ByteForm form, unsigned heads, unsigned keyWidth,
            unsigned valueWidth, unsigned pageTokens, unsigned pages)
      : form(form), heads(heads), keyWidth(keyWidth), valueWidth(valueWidth),
        pageTokens(pageTokens), bytes(pages * pageBytes()) {}

  size_t codes() const {
    return size_t(heads) * pageTokens * (keyWidth + valueWidth);
  }
  size_t pageBytes() const {
    return form == ByteForm::Q8_0 ? codes() / 32 * 34 : codes();
  }
  size_t keyAt(unsigned page, unsigned in, unsigned head, unsigned d) const {
    return page * pageBytes() + size_t(head) * pageTokens * keyWidth +
           size_t(in / 16) * 16 * keyWidth + d / 4 * 64 + in % 16 * 4 + d % 4;
  }
  size_t valueAt(unsigned page, unsigned in, unsigned head, unsigned d) const {
    return page * pageBytes() + size_t(heads) * pageTokens * keyWidth +
           size_t(head) * pageTokens * valueWidth +
           size_t(in / 4) * 4 * valueWidth + d * 4 + in % 4;
  }
  size_t keyScaleAt(unsigned page, unsigned in, unsigned head,
                    unsigned d) const {
    return page * pageBytes() + codes() +
           2 * (size_t(head) * pageTokens * keyWidth / 32 +
                d / 32 * pageTokens + in);
  }
  size_t valueScaleAt(unsigned page, unsigned in, unsigned head,
                      unsigned d) const {
    return page * pageBytes() + codes() +
           2 * (size_t(heads) * pageTokens * keyWidth / 32 +
                size_t(head) * pageTokens * valueWidth / 32 +
                d / 32 * pageTokens + in);
  }

  double key(unsigned page, unsigned in, unsigned head, unsigned d) const {
    return number(keyAt(page, in, head, d), keyScaleAt(page, in, head, d));
  }
  double value(unsigned page, unsigned in, unsigned head, unsigned d) const {
    return number(valueAt(page, in, head, d), valueScaleAt(page, in, head, d));
  }

  /// One head's key and value of a token.
  void put(unsigned page, unsigned in, unsigned head, const float *key,
           const float *value) {
    for (unsigned d = 0; d < keyWidth; ++d)
      putOne(keyAt(page, in, head, d), keyScaleAt(page, in, head, d), key, d);
    for (unsigned d = 0; d < valueWidth; ++d)
      putOne(valueAt(page, in, head, d), valueScaleAt(page, in, head, d), value,
             d);
  }

private:
  double number(size_t at, size_t scaleAt) const {
    if (form == ByteForm::E4m3)
      return numberOfE4m3(bytes[at]);
    uint16_t scale;
    std::memcpy(&scale, &bytes[scaleAt], 2);
    return double(int8_t(bytes[at])) * halfToFloat(scale);
  }
  void putOne(size_t at, size_t scaleAt, const float *row, unsigned d) {
    if (form == ByteForm::E4m3) {
      bytes[at] = e4m3Of(row[d]);
      return;
    }
    SignedBlock block(row + d / 32 * 32);
    bytes[at] = uint8_t(block.codes[d % 32]);
    uint16_t scale = halfOf(block.scale);
    std::memcpy(&bytes[scaleAt], &scale, 2);
  }
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_CACHEBYTES_H
