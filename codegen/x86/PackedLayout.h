/// How weights lie in memory for the x86 kernels: 16 output rows interleaved,
/// four consecutive k of a row in one 32-bit lane, so that one 64-byte line
/// feeds one `vpdpbusd` (two on AVX2) and no sum ever crosses lanes.
///
/// A matrix [rows, k] is a sequence of row groups of 16 rows:
///   | tensor scales: 16 f32, only if the format has one | record | record ...
/// and a record covers recordWeights consecutive k of the 16 rows:
///   | header | unit | unit | ...             (a unit: 32 k, all its codes)
///
/// recordWeights is 256 under a super scale; else the fewest weights (32 to
/// 256, whole GGUF blocks) whose header fills its lines, so that it adds none.
///
/// Header, each part only if the format has it, in this order, then padded to
/// a multiple of 64 bytes, or of 32 where 64 would add more than 3 %:
///   super scales   16 × f16
///   super mins     16 × f16
///   group scales   direct (F16, F32, E8M0, UE4M3): 16 values per group, group
///                  by group; integer: planes, as below
///   group mins     the same way
///   point numbers  grid formats: planes of their bits above the lowest eight
///
/// Unit: codes are cut into planes of 8, 4, 2 or 1 bits (low bits first: 6
/// bits = 4 + 2, 5 = 4 + 1, 3 = 2 + 1). A plane of b bits has b lines of 64
/// bytes. Quad q (k = 4q .. 4q+3 of the unit's 32) lies in line q % b, shifted
/// left by (q / b) * b; byte 4 * row + j of the line holds k = 4q + j.
///
/// Integer group scales (and mins) of G groups, cut into planes likewise: a
/// plane of b bits has G * b / 8 lines of 16 bytes, one byte per row. Group g
/// lies in line g % lines, shifted left by (g / lines) * b.
///
/// Plain formats have no header and no records: for each k, 16 values.
///
/// Ternary formats have no units: 13 lines of 64 bytes follow the header. Byte
/// 4 * row + j of line l holds, as a fraction in base 3 (TQ1_0.cpp), digits
/// k = 20l + j, 20l + 4 + j, ... 20l + 16 + j: five quads. The last has one.
///
/// Grid formats: four point numbers after the other are a quad of bytes. A unit
///   | low eight bits: a line per quad | halves, if each weight has one: a line
///   |
/// where the halves are a plane of one bit. With GridHalf::Parity the place of
/// every eighth half is spare and holds something else of the same unit, in
/// four bits: the ninth bits of its four numbers, or its scale code. A half of
/// each point is the highest bit of its number, one of each group that of its
/// scale code.
///
/// Padding: k up to a multiple of recordWeights with codes of value zero (the
/// code that equals codeOffset, or the codebook's entry 0 if there is one) and
/// scale bits zero; rows up to a multiple of 16 the same way, with a tensor
/// scale of zero.
#ifndef SINTER_CODEGEN_X86_PACKEDLAYOUT_H
#define SINTER_CODEGEN_X86_PACKEDLAYOUT_H

#include "dialects/formats/Format.h"

#include <cstddef>
#include <span>
#include <vector>

namespace sinter::x86 {

inline constexpr unsigned kRowGroup = 16;
inline constexpr unsigned kUnitWeights = 32;
inline constexpr unsigned kUnitQuads = kUnitWeights / 4;
inline constexpr unsigned kTernaryDigits = 5; ///< in a byte

/// A run of bits of every code (or scale code) and where its lines begin.
struct Plane {
  unsigned bits;
  unsigned lowBit; ///< place of the plane's lowest bit in the code
  unsigned offset; ///< bytes from the start of the unit (or of the header)
  unsigned lines;
};

/// What the places of every eighth half hold.
enum class SpareBits : uint8_t { None, Index, Scale };

/// Byte offsets of the parts of a record; -1 where a part is absent.
struct PackedLayout {
  const Format *format = nullptr;
  unsigned recordWeights = 1;
  unsigned headerBytes = 0;
  unsigned unitBytes = 0;   ///< plain: bytes of 16 values of one k
  unsigned recordBytes = 0; ///< header and units
  unsigned groups = 0;      ///< groups in a record
  int superScale = -1;
  int superMin = -1;
  int groupScale = -1; ///< direct scales: first group's 16 values
  int groupMin = -1;
  unsigned groupStride = 0;    ///< direct scales, mins: bytes between groups
  unsigned rowGroupHeader = 0; ///< 64 if there is a tensor scale
  std::vector<Plane> codePlanes;
  std::vector<Plane> scalePlanes; ///< integer scales, offsets in the header
  std::vector<Plane> minPlanes;
  std::vector<Plane> indexPlanes; ///< grid: high bits, offsets in the header
  unsigned indexLines = 0;        ///< grid: lines of low bits in a unit
  SpareBits spare = SpareBits::None;

  static PackedLayout of(const Format &format);

  /// Bytes from the start of the record to the end of unit `unit`, unit by unit
  /// as a kernel reads them.
  unsigned endOfUnit(unsigned unit) const;

  uint64_t paddedWidth(uint64_t k) const; ///< k rounded up to records
  uint64_t rowGroupBytes(uint64_t k) const;
  uint64_t matrixBytes(uint64_t rows, uint64_t k) const;
};

/// Packs 16 rows. `rows[i]` points at the GGUF blocks of row i, or is null for
/// a padding row; `scales[i]` is its tensor's scale (1 without one); `out` has
/// rowGroupBytes(k) bytes and is wholly written.
void packRowGroup(const PackedLayout &layout, uint64_t k,
                  std::span<const uint8_t *const, kRowGroup> rows,
                  std::span<const float, kRowGroup> scales,
                  std::span<std::byte> out);

/// Takes block `block` (counted in GGUF blocks along k) of row `row` (0..15)
/// back out of a packed row group: the inverse of packRowGroup, for tests.
CanonicalBlock unpackBlock(const PackedLayout &layout,
                           std::span<const std::byte> rowGroup, unsigned row,
                           uint64_t block);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_PACKEDLAYOUT_H
