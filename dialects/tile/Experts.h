/// The skeleton classes of a mixture of experts: included only where they are
/// met.
#ifndef SINTER_DIALECTS_TILE_EXPERTS_H
#define SINTER_DIALECTS_TILE_EXPERTS_H

#include "dialects/tile/Tile.h"

#define GET_ATTRDEF_CLASSES
#include "dialects/tile/ExpertsAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialects/tile/Experts.h.inc"

namespace sinter::tile {

void registerExpertOps(TileDialect &dialect);

/// Work items of a grouped gemm: many more than threads, so that each has its
/// share to within 0.1 %.
inline constexpr int64_t kGroupedItems = 1024;

/// Elements of the groups that #tile.group writes.
constexpr int64_t groupsSize(int64_t experts) { return 2 + 2 * experts; }

} // namespace sinter::tile

#endif // SINTER_DIALECTS_TILE_EXPERTS_H
