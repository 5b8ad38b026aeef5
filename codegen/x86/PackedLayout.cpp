// Computes where the parts of a packed matrix lie, and takes a block back out
// of there.
#include "codegen/x86/PackedLayout.h"

#include "codegen/x86/GridPlaces.h"

#include <algorithm>
#include <cassert>
#include <cstring>

namespace sinter::x86 {

static constexpr unsigned kLine = 64;
static constexpr unsigned kMaxRecord = 256;

static unsigned roundUp(unsigned value, unsigned step) {
  return (value + step - 1) / step * step;
}

/// Cuts codes of `bits` bits into planes that begin at `offset` and follow each
/// other. A plane of b bits has b * linesPerEightBits / 8 lines.
static std::vector<Plane> cutPlanes(unsigned bits, unsigned linesPerEightBits,
                                    unsigned lineBytes, unsigned &offset) {
  std::vector<Plane> planes;
  unsigned lowBit = 0;
  for (unsigned width : {8u, 4u, 2u, 1u}) {
    if (bits - lowBit < width)
      continue;
    const unsigned lines = width * linesPerEightBits / 8;
    planes.push_back({width, lowBit, offset, lines});
    offset += lines * lineBytes;
    lowBit += width;
  }
  assert(lowBit == bits && "a code has 1 to 8 bits");
  return planes;
}

static unsigned directBytes(GroupScale kind) {
  switch (kind) {
  case GroupScale::F32:
    return 4;
  case GroupScale::F16:
    return 2;
  default:
    return 1;
  }
}

/// Sets the offsets of the header's parts; returns its size before padding.
static unsigned layHeader(PackedLayout &layout) {
  const CanonicalForm &form = layout.format->form;
  const bool hasMin = form.min != GroupMin::None;
  unsigned offset = 0;
  if (form.groupScale == GroupScale::Integer) {
    layout.superScale = 0;
    offset = 2 * kRowGroup;
    if (hasMin) {
      layout.superMin = static_cast<int>(offset);
      offset += 2 * kRowGroup;
    }
    const unsigned g = layout.groups;
    if (layout.spare != SpareBits::Scale)
      layout.scalePlanes =
          cutPlanes(scalePlaneBits(form), g, kRowGroup, offset);
    if (hasMin)
      layout.minPlanes = cutPlanes(form.scaleBits, g, kRowGroup, offset);
    return offset;
  }
  layout.groupStride = kRowGroup * directBytes(form.groupScale);
  layout.groupScale = 0;
  offset = layout.groups * layout.groupStride;
  if (hasMin) {
    layout.groupMin = static_cast<int>(offset);
    offset += layout.groups * layout.groupStride;
  }
  return offset;
}

/// Adds the lines of a grid format's unit, and the planes of the header.
static void layGrid(PackedLayout &layout, unsigned &header) {
  const CanonicalForm &form = layout.format->form;
  layout.indexLines = kUnitQuads / form.pointWeights;
  layout.unitBytes = kLine * layout.indexLines;
  if (hasHalfLine(form)) {
    layout.codePlanes = {{1, 0, layout.unitBytes, 1}};
    layout.unitBytes += kLine;
  }
  const unsigned quads =
      layout.indexLines * (layout.recordWeights / kUnitWeights);
  if (const unsigned bits = indexPlaneBits(form))
    layout.indexPlanes = cutPlanes(bits, quads, kLine, header);
}

/// Bytes of the header: whole lines, or half ones where a whole one would add
/// more than 3 %.
static unsigned paddedHeader(unsigned header, unsigned codes) {
  const unsigned whole = roundUp(header, kLine);
  const bool small = (whole - header) * 100 <= 3 * (header + codes);
  return small ? whole : roundUp(header, kLine / 2);
}

PackedLayout PackedLayout::of(const Format &format) {
  const CanonicalForm &form = format.form;
  PackedLayout layout;
  layout.format = &format;
  layout.rowGroupHeader = form.tensorScale ? kLine : 0;
  layout.spare = spareBits(form);
  if (form.family == Family::Plain) {
    layout.unitBytes = layout.recordBytes = kRowGroup * format.blockBytes;
    return layout;
  }
  // Direct scales: the shortest record whose header fills whole lines, so that
  // packing adds no bytes.
  unsigned weights = std::max<unsigned>(format.blockWeights, kUnitWeights);
  unsigned header = 0;
  for (;; weights *= 2) {
    layout.groups = weights / form.group;
    header = layHeader(layout);
    if (header % kLine == 0 || 2 * weights > kMaxRecord)
      break;
  }
  layout.recordWeights = weights;
  layout.unitBytes = 0;
  unsigned codes = 0;
  if (form.family == Family::Ternary) {
    const unsigned perLine = 4 * kTernaryDigits;
    codes = kLine * ((weights + perLine - 1) / perLine);
  } else {
    if (form.family == Family::Grid)
      layGrid(layout, header);
    else
      layout.codePlanes =
          cutPlanes(form.bits, kUnitQuads, kLine, layout.unitBytes);
    codes = weights / kUnitWeights * layout.unitBytes;
  }
  layout.headerBytes = paddedHeader(header, codes);
  layout.recordBytes = layout.headerBytes + codes;
  return layout;
}

unsigned PackedLayout::endOfUnit(unsigned unit) const {
  if (unitBytes)
    return headerBytes + (unit + 1) * unitBytes;
  const unsigned units = recordWeights / kUnitWeights;
  return (unit + 1) * recordBytes / units;
}

uint64_t PackedLayout::paddedWidth(uint64_t k) const {
  return (k + recordWeights - 1) / recordWeights * recordWeights;
}

uint64_t PackedLayout::rowGroupBytes(uint64_t k) const {
  return rowGroupHeader + paddedWidth(k) / recordWeights * recordBytes;
}

uint64_t PackedLayout::matrixBytes(uint64_t rows, uint64_t k) const {
  return (rows + kRowGroup - 1) / kRowGroup * rowGroupBytes(k);
}

/// Digit of a ternary record.
static uint8_t unpackDigit(const std::byte *lines, unsigned row, unsigned k) {
  const unsigned quad = k / 4;
  const std::byte *line = lines + quad / kTernaryDigits * kLine;
  auto fraction = std::to_integer<unsigned>(line[4 * row + k % 4]);
  for (unsigned n = 0; n < quad % kTernaryDigits; ++n)
    fraction = fraction * 3 & 0xFF;
  return static_cast<uint8_t>(fraction * 3 >> 8);
}

static uint8_t unpackCode(const PackedLayout &layout, const std::byte *unit,
                          unsigned row, unsigned k) {
  unsigned code = 0;
  for (const Plane &plane : layout.codePlanes) {
    const unsigned quad = k / 4;
    const unsigned line = quad % plane.lines;
    const unsigned shift = quad / plane.lines * plane.bits;
    const auto byte = std::to_integer<unsigned>(
        unit[plane.offset + kLine * line + 4 * row + k % 4]);
    code |= (byte >> shift & ((1u << plane.bits) - 1)) << plane.lowBit;
  }
  return static_cast<uint8_t>(code);
}

static uint16_t unpackPlanes(const std::vector<Plane> &planes,
                             const std::byte *header, unsigned row,
                             unsigned group) {
  unsigned value = 0;
  for (const Plane &plane : planes) {
    const unsigned line = group % plane.lines;
    const unsigned shift = group / plane.lines * plane.bits;
    const auto byte = std::to_integer<unsigned>(
        header[plane.offset + kRowGroup * line + row]);
    value |= (byte >> shift & ((1u << plane.bits) - 1)) << plane.lowBit;
  }
  return static_cast<uint16_t>(value);
}

static void unpackDirect(const PackedLayout &layout, int offset,
                         const std::byte *header, unsigned row, unsigned group,
                         uint16_t *value) {
  const unsigned bytes = layout.groupStride / kRowGroup;
  if (offset >= 0)
    std::memcpy(value,
                header + offset + group * layout.groupStride + row * bytes,
                bytes);
}

CanonicalBlock unpackBlock(const PackedLayout &layout,
                           std::span<const std::byte> rowGroup, unsigned row,
                           uint64_t block) {
  const Format &format = *layout.format;
  assert(format.form.family != Family::Plain && "plain formats have no parts");
  const uint64_t weight = block * format.blockWeights;
  const unsigned first = weight % layout.recordWeights;
  const std::byte *header = rowGroup.data() + layout.rowGroupHeader +
                            weight / layout.recordWeights * layout.recordBytes;
  const std::byte *units = header + layout.headerBytes;
  CanonicalBlock parts;
  for (unsigned i = 0; i < format.blockWeights; ++i) {
    const unsigned at = first + i;
    parts.codes[i] =
        format.form.family == Family::Ternary
            ? unpackDigit(units, row, at)
            : unpackCode(layout, units + at / kUnitWeights * layout.unitBytes,
                         row, at % kUnitWeights);
  }
  const bool integer = format.form.groupScale == GroupScale::Integer;
  for (unsigned g = 0; g < format.blockWeights / format.form.group; ++g) {
    const unsigned at = first / format.form.group + g;
    if (integer) {
      parts.groupScales[g] = unpackPlanes(layout.scalePlanes, header, row, at);
      parts.groupMins[g] = unpackPlanes(layout.minPlanes, header, row, at);
      continue;
    }
    unpackDirect(layout, layout.groupScale, header, row, at,
                 &parts.groupScales[g]);
    unpackDirect(layout, layout.groupMin, header, row, at, &parts.groupMins[g]);
  }
  if (layout.superScale >= 0)
    std::memcpy(&parts.superScale, header + layout.superScale + 2 * row, 2);
  if (layout.superMin >= 0)
    std::memcpy(&parts.superMin, header + layout.superMin + 2 * row, 2);
  if (format.form.family == Family::Grid) {
    unpackIndices(layout, header, row, parts);
    takeFromPlaces(layout, parts);
  }
  return parts;
}

} // namespace sinter::x86
