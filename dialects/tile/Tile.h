/// The one header to include for the tile dialect.
#ifndef SINTER_DIALECTS_TILE_H
#define SINTER_DIALECTS_TILE_H

#include "dialects/sinter/Sinter.h"
#include "dialects/tile/ActivationLayout.h"
#include "dialects/tile/CachePages.h"
#include "dialects/tile/Skeleton.h"

#include "dialects/tile/TileDialect.h.inc"
#include "dialects/tile/TileEnums.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/tile/TileAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialects/tile/TileOps.h.inc"

namespace sinter {
/// Bytes of a row that is no part of a wider one: of 8 bits, or float32.
uint64_t rowBytesOf(unsigned width, bool q8, unsigned sums);
/// Of such activations.
uint64_t rowBytesOf(mlir::RankedTensorType rows);
} // namespace sinter

#endif // SINTER_DIALECTS_TILE_H
