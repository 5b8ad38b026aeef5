// Moves the numbers of a grid format's points, and the bits beside them, in and
// out of a packed record.
#include "codegen/x86/GridPlaces.h"

namespace sinter::x86 {

static constexpr unsigned kLine = 64;

bool hasHalfLine(const CanonicalForm &form) {
  return form.half == GridHalf::Weight || form.half == GridHalf::Parity;
}

SpareBits spareBits(const CanonicalForm &form) {
  if (form.family != Family::Grid || form.half != GridHalf::Parity)
    return SpareBits::None;
  return form.indexBits > 8 ? SpareBits::Index : SpareBits::Scale;
}

unsigned indexPlaneBits(const CanonicalForm &form) {
  if (spareBits(form) == SpareBits::Index)
    return 0;
  return form.indexBits - 8 + (form.half == GridHalf::Point ? 1 : 0);
}

unsigned scalePlaneBits(const CanonicalForm &form) {
  const bool half = form.family == Family::Grid && form.half == GridHalf::Group;
  return form.scaleBits + (half ? 1 : 0);
}

/// Calls `each` with the place of every eighth half, and with the number and
/// bit that lie there instead.
template <typename Each>
static void forSpareBits(const PackedLayout &layout, CanonicalBlock &row,
                         Each each) {
  for (unsigned i = 0; i < layout.recordWeights / 8; ++i) {
    uint8_t &half = row.codes[8 * i + 7];
    if (layout.spare == SpareBits::Index)
      each(half, row.indices[i], 8);
    else
      each(half, row.groupScales[i / 4], i % 4);
  }
}

void putInPlaces(const PackedLayout &layout, CanonicalBlock &row) {
  const CanonicalForm &form = layout.format->form;
  if (form.half == GridHalf::Point)
    for (unsigned i = 0; i < layout.recordWeights / form.pointWeights; ++i)
      row.indices[i] |= row.codes[i * form.pointWeights] << form.indexBits;
  if (form.half == GridHalf::Group)
    for (unsigned g = 0; g < layout.groups; ++g)
      row.groupScales[g] |= row.codes[g * form.group] << form.scaleBits;
  if (form.half == GridHalf::Parity)
    forSpareBits(layout, row, [](uint8_t &half, uint16_t number, unsigned bit) {
      half = number >> bit & 1;
    });
}

void takeFromPlaces(const PackedLayout &layout, CanonicalBlock &row) {
  const CanonicalForm &form = layout.format->form;
  if (form.half == GridHalf::Point)
    for (unsigned i = 0; i < layout.recordWeights; ++i)
      row.codes[i] = row.indices[i / form.pointWeights] >> form.indexBits & 1;
  if (form.half == GridHalf::Group)
    for (unsigned i = 0; i < layout.recordWeights; ++i)
      row.codes[i] = row.groupScales[i / form.group] >> form.scaleBits & 1;
  for (uint16_t &index : row.indices)
    index &= (1u << form.indexBits) - 1;
  for (uint16_t &scale : row.groupScales)
    scale &= (1u << form.scaleBits) - 1;
  if (form.half != GridHalf::Parity)
    return;
  forSpareBits(layout, row, [](uint8_t &half, uint16_t &number, unsigned bit) {
    number = static_cast<uint16_t>(number | half << bit);
    half = 0;
    for (const uint8_t *other = &half - 7; other != &half; ++other)
      half ^= *other;
  });
}

/// Calls `each` with every byte of a row that holds bits of point numbers, the
/// number, its lowest bit there, the bits, and their place in the byte.
template <typename Record, typename Parts, typename Each>
static void forIndexBits(const PackedLayout &layout, Record record,
                         Parts &parts, unsigned row, Each each) {
  const CanonicalForm &form = layout.format->form;
  for (unsigned i = 0; i < layout.recordWeights / form.pointWeights; ++i) {
    const unsigned quad = i / 4, unit = quad / layout.indexLines;
    const unsigned byte = 4 * row + i % 4;
    each(record[layout.headerBytes + unit * layout.unitBytes +
                quad % layout.indexLines * kLine + byte],
         parts.indices[i], 0, 8, 0);
    for (const Plane &plane : layout.indexPlanes)
      each(record[plane.offset + quad % plane.lines * kLine + byte],
           parts.indices[i], 8 + plane.lowBit, plane.bits,
           quad / plane.lines * plane.bits);
  }
}

void packIndices(const PackedLayout &layout, const CanonicalBlock &parts,
                 unsigned row, std::byte *record) {
  forIndexBits(layout, record, parts, row,
               [](std::byte &byte, uint16_t index, unsigned lowBit,
                  unsigned bits, unsigned place) {
                 const unsigned field = index >> lowBit & ((1u << bits) - 1);
                 byte |= std::byte(field << place);
               });
}

void unpackIndices(const PackedLayout &layout, const std::byte *record,
                   unsigned row, CanonicalBlock &parts) {
  forIndexBits(layout, record, parts, row,
               [](std::byte byte, uint16_t &index, unsigned lowBit,
                  unsigned bits, unsigned place) {
                 const auto field = std::to_integer<unsigned>(byte) >> place;
                 index |= (field & ((1u << bits) - 1)) << lowBit;
               });
}

} // namespace sinter::x86
