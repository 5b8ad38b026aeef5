/// Where a grid format's odd bits lie in packed records: the numbers of its
/// points, and the halves that share the places of others (PackedLayout.h).
#ifndef SINTER_CODEGEN_X86_GRIDPLACES_H
#define SINTER_CODEGEN_X86_GRIDPLACES_H

#include "codegen/x86/PackedLayout.h"

namespace sinter::x86 {

/// Whether each weight has a bit in the line of halves.
bool hasHalfLine(const CanonicalForm &form);

SpareBits spareBits(const CanonicalForm &form);

/// Bits of a point number in the header's planes.
unsigned indexPlaneBits(const CanonicalForm &form);

/// Bits of a scale code in the header's planes, of any family.
unsigned scalePlaneBits(const CanonicalForm &form);

/// Moves bits of one record's row to the places that they have when packed, and
/// back.
void putInPlaces(const PackedLayout &layout, CanonicalBlock &row);
void takeFromPlaces(const PackedLayout &layout, CanonicalBlock &row);

/// Writes the point numbers of one row into its record, which was zero there,
/// and reads them.
void packIndices(const PackedLayout &layout, const CanonicalBlock &parts,
                 unsigned row, std::byte *record);
void unpackIndices(const PackedLayout &layout, const std::byte *record,
                   unsigned row, CanonicalBlock &parts);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_GRIDPLACES_H
