/// What the skeleton classes of attention in parts say of their launches.
#include "dialects/tile/AttentionSplits.h"

using namespace sinter;
using namespace sinter::tile;

ItemShape AttentionSplitsAttr::itemShape(const Tiling &tiling) const {
  AttentionAttr attention = getAttention();
  unsigned heads =
      tiling.mma ? attention.getCacheHeads() : attention.getHeads();
  return {"tokens", int64_t(heads) * kAttentionSplits};
}

Products AttentionSplitsAttr::products() const {
  return getAttention().products();
}

ItemShape MergeSplitsAttr::itemShape(const Tiling &) const {
  return {"tokens", getAttention().getCacheHeads()};
}
