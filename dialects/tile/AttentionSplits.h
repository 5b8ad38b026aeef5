/// The skeleton classes of attention whose context several items share:
/// included only where they are met.
#ifndef SINTER_DIALECTS_TILE_ATTENTIONSPLITS_H
#define SINTER_DIALECTS_TILE_ATTENTIONSPLITS_H

#include "dialects/tile/Tile.h"

namespace sinter {

/// Parts of what a token sees, at most; part of the order of sums of GPUs'
/// attention kernels. 16 of them times 8 cache heads are about the 132
/// multiprocessors of an H200.
inline constexpr unsigned kAttentionSplits = 16;

/// Numbers that the splits of one token's row leave.
inline uint64_t splitRowWidth(tile::AttentionAttr attention) {
  return uint64_t(attention.getHeads()) * kAttentionSplits *
         (attention.getValueWidth() + 2);
}

} // namespace sinter

#define GET_ATTRDEF_CLASSES
#include "dialects/tile/AttentionSplitsAttributes.h.inc"

#endif // SINTER_DIALECTS_TILE_ATTENTIONSPLITS_H
