/// What the skeleton classes behind the layers say of their launches.
#include "dialects/tile/Pooling.h"

using namespace sinter::tile;

ItemShape PoolAttr::itemShape(const Tiling &) const {
  return {.items = "rows", .replicated = true};
}

ItemShape SoftmaxAttr::itemShape(const Tiling &) const {
  return {.items = getOutputs() ? "rows" : "tokens", .replicated = true};
}
