// Moves 16 rows of GGUF blocks into the packed layout: the inner loop of every
// compilation, since each weight passes through it once.
#include "codegen/x86/GridPlaces.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <type_traits>

namespace sinter::x86 {

static constexpr unsigned kLine = 64;

namespace {

/// The parts of one record of 16 rows; a record has at most 256 weights and 16
/// groups, so a row of it fits where one block does.
using RecordParts = std::array<CanonicalBlock, kRowGroup>;

/// Takes the blocks of one record apart.
class RecordReader {
public:
  RecordReader(const PackedLayout &layout, uint64_t k,
               std::span<const uint8_t *const, kRowGroup> rows)
      : format(*layout.format), rows(rows), blocks(k / format.blockWeights),
        perRecord(layout.recordWeights / format.blockWeights) {
    padding.codes.fill(zeroCode());
  }

  void read(uint64_t record, RecordParts &parts) {
    const uint64_t first = record * perRecord;
    const uint64_t present = std::min<uint64_t>(perRecord, blocks - first);
    for (unsigned row = 0; row < kRowGroup; ++row) {
      if (!rows[row] || present < perRecord)
        parts[row] = padding;
      if (!rows[row])
        continue;
      const uint8_t *source = rows[row] + first * format.blockBytes;
      if (perRecord == 1)
        format.split(source, parts[row]);
      else
        for (unsigned b = 0; b < present; ++b)
          readBlock(source + b * format.blockBytes, b, parts[row]);
    }
  }

private:
  /// The code that stands for zero, or 0 if none does: there the scale of the
  /// padding makes the weight zero.
  uint8_t zeroCode() const {
    const CanonicalForm &form = format.form;
    if (form.family == Family::Grid)
      return 0;
    if (form.family != Family::Codebook)
      return static_cast<uint8_t>(form.codeShift ? 0 : form.codeOffset);
    for (unsigned code = 0; code < form.codebook.size(); ++code)
      if (form.codebook[code] == 0)
        return static_cast<uint8_t>(code);
    return 0;
  }

  /// Block `index` of a record of several.
  void readBlock(const uint8_t *source, unsigned index, CanonicalBlock &row) {
    format.split(source, scratch);
    const unsigned weights = format.blockWeights;
    const unsigned groups = weights / format.form.group;
    // Pieces as long as the stores that `split` has just made: a longer load
    // would wait for them to leave the store buffer.
    for (unsigned i = 0; i < weights; i += 16)
      std::memcpy(&row.codes[index * weights + i], &scratch.codes[i], 16);
    for (unsigned g = 0; g < groups; ++g) {
      row.groupScales[index * groups + g] = scratch.groupScales[g];
      row.groupMins[index * groups + g] = scratch.groupMins[g];
    }
  }

  const Format &format;
  std::span<const uint8_t *const, kRowGroup> rows;
  uint64_t blocks;
  unsigned perRecord;
  CanonicalBlock padding, scratch;
};

} // namespace

using GroupValues = std::array<uint16_t, 16> CanonicalBlock::*;

/// One plane of one unit. Four codes move at once in a 32-bit word; their bits
/// do not meet because the mask leaves B of each byte and B * (8 / B) is 8.
template <unsigned B>
static void packCodePlane(const RecordParts &parts, unsigned firstWeight,
                          unsigned lowBit, std::byte *out) {
  constexpr uint32_t mask = 0x01010101u * ((1u << B) - 1);
  for (unsigned row = 0; row < kRowGroup; ++row) {
    uint32_t quads[kUnitQuads];
    std::memcpy(quads, &parts[row].codes[firstWeight], sizeof(quads));
    for (unsigned line = 0; line < B; ++line) {
      uint32_t word = 0;
      for (unsigned t = 0; t < 8 / B; ++t)
        word |= (quads[line + t * B] >> lowBit & mask) << (t * B);
      std::memcpy(out + kLine * line + 4 * row, &word, sizeof(word));
    }
  }
}

/// Calls `pack` with the plane's width as a constant, so that its loops unroll.
template <typename Pack> static void withWidth(unsigned bits, Pack pack) {
  switch (bits) {
  case 8:
    return pack(std::integral_constant<unsigned, 8>());
  case 4:
    return pack(std::integral_constant<unsigned, 4>());
  case 2:
    return pack(std::integral_constant<unsigned, 2>());
  default:
    return pack(std::integral_constant<unsigned, 1>());
  }
}

/// Five quads of digits in each line of bytes.
static void packDigits(const PackedLayout &layout, const RecordParts &parts,
                       std::byte *out) {
  const unsigned quads = layout.recordWeights / 4;
  for (unsigned first = 0; first < quads; first += kTernaryDigits, out += kLine)
    for (unsigned row = 0; row < kRowGroup; ++row)
      for (unsigned j = 0; j < 4; ++j) {
        unsigned number = 0;
        for (unsigned n = 0; n < kTernaryDigits; ++n) {
          const unsigned quad = first + n;
          number =
              3 * number + (quad < quads ? parts[row].codes[4 * quad + j] : 0u);
        }
        // Rounded up, so that truncated multiples give the digits back.
        out[4 * row + j] = std::byte((number * 256 + 242) / 243);
      }
}

static void packUnit(const PackedLayout &layout, const RecordParts &parts,
                     unsigned firstWeight, std::byte *out) {
  for (const Plane &plane : layout.codePlanes)
    withWidth(plane.bits, [&](auto bits) {
      packCodePlane<bits>(parts, firstWeight, plane.lowBit, out + plane.offset);
    });
}

template <unsigned B>
static void packScalePlane(const Plane &plane, const RecordParts &parts,
                           GroupValues values, std::byte *out) {
  constexpr unsigned mask = (1u << B) - 1;
  const unsigned lines = plane.lines, lowBit = plane.lowBit;
  for (unsigned row = 0; row < kRowGroup; ++row) {
    const uint16_t *source = (parts[row].*values).data();
    for (unsigned line = 0; line < lines; ++line) {
      unsigned byte = 0;
      for (unsigned t = 0; t < 8 / B; ++t)
        byte |= (source[line + t * lines] >> lowBit & mask) << (t * B);
      out[kRowGroup * line + row] = std::byte(byte);
    }
  }
}

static void packScalePlanes(const std::vector<Plane> &planes,
                            const RecordParts &parts, GroupValues values,
                            std::byte *header) {
  for (const Plane &plane : planes)
    withWidth(plane.bits, [&](auto bits) {
      packScalePlane<bits>(plane, parts, values, header + plane.offset);
    });
}

template <unsigned Bytes>
static void packDirect(const PackedLayout &layout, const RecordParts &parts,
                       GroupValues values, std::byte *out) {
  for (unsigned g = 0; g < layout.groups; ++g)
    for (unsigned row = 0; row < kRowGroup; ++row)
      std::memcpy(out + (g * kRowGroup + row) * Bytes, &(parts[row].*values)[g],
                  Bytes);
}

static void packDirectValues(const PackedLayout &layout,
                             const RecordParts &parts, GroupValues values,
                             std::byte *out) {
  if (layout.groupStride == 4 * kRowGroup)
    packDirect<4>(layout, parts, values, out);
  else if (layout.groupStride == 2 * kRowGroup)
    packDirect<2>(layout, parts, values, out);
  else
    packDirect<1>(layout, parts, values, out);
}

static void packHeader(const PackedLayout &layout, const RecordParts &parts,
                       std::byte *out) {
  std::memset(out, 0, layout.headerBytes);
  for (unsigned row = 0; row < kRowGroup; ++row) {
    if (layout.superScale >= 0)
      std::memcpy(out + layout.superScale + 2 * row, &parts[row].superScale, 2);
    if (layout.superMin >= 0)
      std::memcpy(out + layout.superMin + 2 * row, &parts[row].superMin, 2);
  }
  packScalePlanes(layout.scalePlanes, parts, &CanonicalBlock::groupScales, out);
  packScalePlanes(layout.minPlanes, parts, &CanonicalBlock::groupMins, out);
  if (layout.groupScale >= 0)
    packDirectValues(layout, parts, &CanonicalBlock::groupScales,
                     out + layout.groupScale);
  if (layout.groupMin >= 0)
    packDirectValues(layout, parts, &CanonicalBlock::groupMins,
                     out + layout.groupMin);
}

static void packRecord(const PackedLayout &layout, RecordParts &parts,
                       std::byte *record) {
  const Family family = layout.format->form.family;
  if (family == Family::Grid)
    for (CanonicalBlock &row : parts)
      putInPlaces(layout, row);
  packHeader(layout, parts, record);
  std::byte *units = record + layout.headerBytes;
  if (family == Family::Ternary)
    return packDigits(layout, parts, units);
  if (family == Family::Grid) {
    std::memset(units, 0, layout.recordBytes - layout.headerBytes);
    for (unsigned row = 0; row < kRowGroup; ++row)
      packIndices(layout, parts[row], row, record);
  }
  for (unsigned w = 0; w < layout.recordWeights; w += kUnitWeights)
    packUnit(layout, parts, w, units + w / kUnitWeights * layout.unitBytes);
}

template <unsigned Bytes>
static void packPlain(uint64_t k,
                      std::span<const uint8_t *const, kRowGroup> rows,
                      std::byte *out) {
  // Short runs of k keep the 16 source lines and the target in the first cache.
  constexpr uint64_t kRun = 64;
  for (uint64_t first = 0; first < k; first += kRun) {
    const uint64_t end = std::min(k, first + kRun);
    for (unsigned row = 0; row < kRowGroup; ++row)
      for (uint64_t i = first; i < end; ++i) {
        std::byte *at = out + (i * kRowGroup + row) * Bytes;
        if (rows[row])
          std::memcpy(at, rows[row] + i * Bytes, Bytes);
        else
          std::memset(at, 0, Bytes);
      }
  }
}

void packRowGroup(const PackedLayout &layout, uint64_t k,
                  std::span<const uint8_t *const, kRowGroup> rows,
                  std::span<const float, kRowGroup> scales,
                  std::span<std::byte> out) {
  assert(layout.format && out.size() == layout.rowGroupBytes(k) &&
         "the room of one row group");
  assert(k % layout.format->blockWeights == 0 && "rows are whole blocks");
  if (layout.format->form.family == Family::Plain)
    return layout.format->blockBytes == 4 ? packPlain<4>(k, rows, out.data())
                                          : packPlain<2>(k, rows, out.data());
  std::byte *at = out.data();
  if (layout.rowGroupHeader) {
    for (unsigned row = 0; row < kRowGroup; ++row) {
      const float scale = rows[row] ? scales[row] : 0.0f;
      std::memcpy(at + 4 * row, &scale, sizeof(scale));
    }
    at += layout.rowGroupHeader;
  }
  RecordReader reader(layout, k, rows);
  RecordParts parts;
  const uint64_t records = layout.paddedWidth(k) / layout.recordWeights;
  for (uint64_t record = 0; record < records; ++record) {
    reader.read(record, parts);
    packRecord(layout, parts, at);
    at += layout.recordBytes;
  }
}

} // namespace sinter::x86
