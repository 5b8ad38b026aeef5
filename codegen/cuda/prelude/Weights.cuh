// Packed weights (codegen/x86/PackedLayout.h) as a lane reads them: 16 rows
// side by side, so that half a warp reads whole lines. A format is a type that
// lists the places of its parts; codegen prints it.
namespace sinter::cuda {

constexpr unsigned kRowGroup = 16;
constexpr unsigned kUnit = 32; ///< weights of a row that share its lines
constexpr unsigned kQuads = kUnit / 4;

enum class Scale { F16, F32, E8M0, UE4M3, Integer };
enum class Min { None, Add, Subtract };
enum class PlainType { F32, F16, BF16 };

/// A run of bits of every code: PackedLayout.h's Plane.
template <unsigned bits, unsigned lowBit, unsigned offset, unsigned lines>
struct Plane {
  static constexpr unsigned mask = (1u << bits) - 1;

  /// Bits of quad `quad`, four codes in four bytes.
  static uint32_t quad(const char *unit, unsigned row, unsigned quad) {
    const auto *line =
        reinterpret_cast<const uint32_t *>(unit + offset + 64 * (quad % lines));
    return (loadWeights(line + row) >> (quad / lines * bits) &
            mask * 0x01010101u)
           << lowBit;
  }
  /// Bits of the scale code of `group`, from the record's header.
  static uint32_t field(const char *record, unsigned row, unsigned group) {
    const auto *line = reinterpret_cast<const uint8_t *>(
        record + offset + kRowGroup * (group % lines));
    return (loadWeights(line + row) >> (group / lines * bits) & mask) << lowBit;
  }
  /// Bits of number `byte` of the four that lie in quad `quad` of a record.
  static uint32_t number(const char *record, unsigned row, unsigned quad,
                         unsigned byte) {
    const auto *line = reinterpret_cast<const uint32_t *>(record + offset +
                                                          64 * (quad % lines));
    return (loadWeights(line + row) >> (8 * byte + quad / lines * bits) & mask)
           << lowBit;
  }
};

template <typename... Plane> struct Planes {
  static uint32_t quad(const char *unit, unsigned row, unsigned quad) {
    return (Plane::quad(unit, row, quad) | ...);
  }
  static uint32_t field(const char *record, unsigned row, unsigned group) {
    return (Plane::field(record, row, group) | ...);
  }
  static uint32_t number(const char *record, unsigned row, unsigned quad,
                         unsigned byte) {
    return (Plane::number(record, row, quad, byte) | ...);
  }
};
template <> struct Planes<> {
  static uint32_t quad(const char *, unsigned, unsigned) { return 0; }
  static uint32_t field(const char *, unsigned, unsigned) { return 0; }
  static uint32_t number(const char *, unsigned, unsigned, unsigned) {
    return 0;
  }
};

/// Four bytes below 16 replaced by entries of `Table`.
template <typename Table> inline uint32_t lookUp(uint32_t codes) {
  // Nibbles of a selector: of its eight entries a permutation takes one.
  const uint32_t indices = (codes & 0xf) | (codes >> 4 & 0xf0) |
                           (codes >> 8 & 0xf00) | (codes >> 12 & 0xf000);
  const uint32_t inHalf = indices & 0x7777;
  const uint32_t low = permuteBytes(Table::word0, Table::word1, inHalf);
  const uint32_t high = permuteBytes(Table::word2, Table::word3, inHalf);
  return permuteBytes(low, high, 0x3210 | (indices & 0x8888) >> 1);
}

/// Five digits of base 3 in each byte, as fractions (PackedLayout.h): number
/// `digit` of the four bytes of a word, two bytes at a time.
inline uint32_t ternaryDigits(uint32_t bytes, unsigned digit) {
  uint32_t even = bytes & 0x00ff00ff, odd = bytes >> 8 & 0x00ff00ff;
  for (unsigned i = 0; i < digit; ++i) {
    even = even * 3 & 0x00ff00ff;
    odd = odd * 3 & 0x00ff00ff;
  }
  return (even * 3 >> 8 & 0x00030003) | (odd * 3 & 0x03000300);
}

// Grid.cuh.
template <typename F> struct Unit;
template <typename F> uint32_t gridQuad(const Unit<F> &unit, unsigned quad);
template <typename F> uint32_t gridScale(const Unit<F> &unit, unsigned group);

/// A unit of one row of a format `F`.
template <typename F> struct Unit {
  const char *record; ///< header
  const char *codes;
  unsigned row, inRecord;

  static Unit at(const char *rowGroup, unsigned row, unsigned unit) {
    constexpr unsigned each = F::recordWeights / kUnit;
    const char *record =
        rowGroup + F::rowGroupHeader + uint64_t(unit / each) * F::recordBytes;
    return {record, record + F::headerBytes + unit % each * F::unitBytes, row,
            unit % each};
  }

  /// Codes of a quad as unsigned bytes, entries of the codebook with the
  /// offset added.
  uint32_t quad(unsigned number) const {
    if constexpr (F::grid)
      return lookUp<typename F::Table>(gridQuad(*this, number));
    if constexpr (F::ternary) {
      const unsigned inAll = inRecord * kQuads + number;
      const auto *line =
          reinterpret_cast<const uint32_t *>(codes + 64 * (inAll / 5));
      return ternaryDigits(loadWeights(line + row), inAll % 5);
    }
    const uint32_t bits = F::Codes::quad(codes, row, number) << F::codeShift;
    if constexpr (F::codebook)
      return lookUp<typename F::Table>(bits);
    else
      return bits;
  }

  template <typename T> T header(int offset) const {
    return loadWeights(reinterpret_cast<const T *>(record + offset) + row);
  }

  /// Factor of a group's codes: times superScale(), where there is one.
  float scale(unsigned group) const {
    const unsigned number = inRecord * kUnit / F::group + group;
    const int offset = F::groupScale + int(number) * F::groupStride;
    if constexpr (F::scale == Scale::F16)
      return F::codebookScale * halfToFloat(header<uint16_t>(offset));
    else if constexpr (F::scale == Scale::F32)
      return F::codebookScale * header<float>(offset);
    else if constexpr (F::scale == Scale::E8M0)
      return F::codebookScale * powerOfTwo(header<uint8_t>(offset));
    else if constexpr (F::scale == Scale::UE4M3)
      return F::codebookScale * smallFloat(header<uint8_t>(offset));
    else
      return float(F::scaleStep * int(scaleCode(number)) - F::scaleOffset);
  }
  uint32_t scaleCode(unsigned number) const {
    if constexpr (F::grid)
      return gridScale(*this, number);
    else
      return F::Scales::field(record, row, number);
  }
  float superScale() const {
    if constexpr (F::superScale < 0)
      return 1.0f;
    else
      return F::codebookScale * halfToFloat(header<uint16_t>(F::superScale));
  }

  /// Addend of a group per unit of activation sum: times superMin().
  float min(unsigned group) const {
    const unsigned number = inRecord * kUnit / F::group + group;
    if constexpr (F::superMin >= 0)
      return float(F::Mins::field(record, row, number));
    else
      return signedMin(halfToFloat(
          header<uint16_t>(F::groupMin + int(number) * F::groupStride)));
  }
  float superMin() const {
    if constexpr (F::superMin < 0)
      return 1.0f;
    else
      return signedMin(halfToFloat(header<uint16_t>(F::superMin)));
  }

private:
  static float signedMin(float value) {
    return F::min == Min::Subtract ? -value : value;
  }
  /// 2^(byte - 127): the byte is a float32's exponent, 0 its subnormal.
  static float powerOfTwo(uint32_t byte) {
    return floatOfBits(byte ? byte << 23 : 0x00400000u);
  }
  /// Shifted by 7 the byte is a half whose exponent is 8 too small; all ones
  /// mean 0, the top bit nothing.
  static float smallFloat(uint32_t byte) {
    byte &= 0x7f;
    return byte == 0x7f ? 0.0f : 256.0f * halfToFloat(uint16_t(byte << 7));
  }
};

/// The tensor scale of a row; 1 without one.
template <typename F>
inline float tensorScale(const char *group, unsigned row) {
  if constexpr (F::rowGroupHeader == 0)
    return 1.0f;
  else
    return loadWeights(reinterpret_cast<const float *>(group) + row);
}

/// Weight `column` of a row of a plain format.
template <PlainType type>
inline float plainWeight(const char *rowGroup, unsigned row, uint64_t column) {
  const uint64_t at = column * kRowGroup + row;
  if constexpr (type == PlainType::F32)
    return loadWeights(reinterpret_cast<const float *>(rowGroup) + at);
  const uint16_t bits =
      loadWeights(reinterpret_cast<const uint16_t *>(rowGroup) + at);
  if constexpr (type == PlainType::F16)
    return halfToFloat(bits);
  return floatOfBits(uint32_t(bits) << 16);
}

} // namespace sinter::cuda
