// Codes of grid formats (codegen/x86/PackedLayout.h): numbers of points become
// the points' codes, with the half of the codebook beside them.
namespace sinter::cuda {

/// What chooses the half, for which weights (dialects/formats/Format.h).
enum class GridHalf { Weight, Parity, Point, Group };
/// What the places of every eighth half hold.
enum class SpareBits { None, Index, Scale };

/// `F` lists Indices (planes of the bits above the lowest eight), pointWeights,
/// indexBits, indexLines, halves (place of their line in a unit), half, spare,
/// scaleBits and points(), of which a word has the codes of four weights in its
/// bytes: of eight, those of the later four above them.
template <typename F> struct GridUnit {
  const Unit<F> &unit;

  uint32_t line(unsigned offset) const {
    return loadWeights(reinterpret_cast<const uint32_t *>(unit.codes + offset) +
                       unit.row);
  }

  /// The number of a point; above it its half, if each point has one.
  uint32_t index(unsigned point) const {
    const unsigned quad = point / 4, byte = point % 4;
    uint32_t index = line(64 * quad) >> 8 * byte & 0xff;
    index |= F::Indices::number(unit.record, unit.row,
                                unit.inRecord * F::indexLines + quad, byte)
             << 8;
    if constexpr (F::spare == SpareBits::Index)
      index |= (line(F::halves) >> (25 + 2 * point) & 1) << 8;
    return index;
  }

  /// A bit of each weight, weight 4q + j's in bit q of byte j. Of eight weights
  /// the last one's is the parity of the others:
  ///   byte        0       1       2       3
  ///   bits 2i, 2i+1   0 4     1 5     2 6     3 parity
  uint32_t weightHalves() const {
    const uint32_t bits = line(F::halves);
    if constexpr (F::half != GridHalf::Parity)
      return bits;
    const uint32_t given = bits & 0x55ffffff;
    uint32_t parity = given ^ given << 1;
    parity ^= parity << 16;
    parity ^= parity << 8;
    return given | (parity & 0xaa000000);
  }

  /// Bit 3 of each byte of a quad, whose point has number `index`.
  uint32_t halves(unsigned quad, uint32_t index) const {
    if constexpr (F::half == GridHalf::Point)
      return index >> F::indexBits & 1 ? 0x08080808u : 0u;
    if constexpr (F::half == GridHalf::Group) {
      const unsigned group = (unit.inRecord * kUnit + 4 * quad) / F::group;
      const uint32_t code = F::Scales::field(unit.record, unit.row, group);
      return code >> F::scaleBits & 1 ? 0x08080808u : 0u;
    }
    return (weightHalves() >> quad & 0x01010101) << 3;
  }

  uint32_t quad(unsigned number) const {
    constexpr unsigned quads = F::pointWeights / 4; ///< of a point
    const uint32_t own = index(number / quads);
    uint32_t codes = F::points()[own & ((1u << F::indexBits) - 1)];
    if constexpr (quads > 1)
      codes = codes >> 4 * (number % quads) & 0x07070707;
    return codes | halves(number, own);
  }

  uint32_t scale(unsigned group) const {
    if constexpr (F::spare == SpareBits::Scale) {
      // Bits 25, 27, 29 and 31, pushed together.
      uint32_t bits = line(F::halves) >> 25 & 0x55;
      bits = (bits | bits >> 1) & 0x33;
      return (bits | bits >> 2) & 0x0f;
    }
    return F::Scales::field(unit.record, unit.row, group) &
           ((1u << F::scaleBits) - 1);
  }
};

/// Codebook indices of a quad, in its bytes.
template <typename F>
inline uint32_t gridQuad(const Unit<F> &unit, unsigned quad) {
  return GridUnit<F>{unit}.quad(quad);
}
/// The scale code of a group of the record.
template <typename F>
inline uint32_t gridScale(const Unit<F> &unit, unsigned group) {
  return GridUnit<F>{unit}.scale(group);
}

} // namespace sinter::cuda
