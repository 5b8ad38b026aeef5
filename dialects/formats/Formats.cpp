// Finds a format by number or name in the generated list, and turns the small
// floating-point types into float32.
#include "dialects/formats/Format.h"

#include "dialects/formats/FormatList.inc"

#include <algorithm>
#include <bit>

namespace sinter {

std::span<const Format *const> allFormats() {
  // The generated list is in the order of file names.
  static const auto sorted = [] {
    auto list = std::to_array(kFormatList);
    std::sort(list.begin(), list.end(), [](const Format *a, const Format *b) {
      return a->ggufId < b->ggufId;
    });
    return list;
  }();
  return sorted;
}

const Format *findFormat(uint32_t ggufId) {
  for (const Format *format : kFormatList)
    if (format->ggufId == ggufId)
      return format;
  return nullptr;
}

const Format *findFormat(std::string_view name) {
  for (const Format *format : kFormatList)
    if (format->name == name)
      return format;
  return nullptr;
}

float halfToFloat(uint16_t bits) {
  const uint32_t sign = (bits & 0x8000u) << 16;
  const uint32_t exponent = bits >> 10 & 0x1F;
  const uint32_t mantissa = bits & 0x3FF;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24f;
    return std::bit_cast<float>(std::bit_cast<uint32_t>(magnitude) | sign);
  }
  const uint32_t wide = exponent == 0x1F ? 0xFF : exponent + (127 - 15);
  return std::bit_cast<float>(sign | wide << 23 | mantissa << 13);
}

float bfloat16ToFloat(uint16_t bits) {
  return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16);
}

float e8m0ToFloat(uint8_t bits) {
  // 2^-127 is subnormal in float32. 255, the specification's NaN, becomes
  // infinity, as in ggml: weights with it are broken either way.
  return std::bit_cast<float>(bits == 0 ? 0x00400000u : uint32_t(bits) << 23);
}

float ue4m3ToFloat(uint8_t bits) {
  // As ggml: 0x7F, NaN in E4M3, is zero, and the unused top bit is ignored
  // everywhere else.
  if (bits == 0x7F)
    return 0.0f;
  const uint32_t exponent = bits >> 3 & 0xF;
  const uint32_t mantissa = bits & 7;
  if (exponent == 0)
    return static_cast<float>(mantissa) * 0x1p-9f;
  return std::bit_cast<float>((exponent + (127 - 7)) << 23 | mantissa << 20);
}

} // namespace sinter
