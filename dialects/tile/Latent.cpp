/// What the skeleton classes of multi-head latent attention say of their
/// launches.
#include "dialects/tile/Latent.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter::tile;

ItemShape HeadGemmAttr::itemShape(const Tiling &tiling) const {
  return {"one", int64_t(getHeads()) *
                     int64_t(llvm::divideCeil(getWeightRows(),
                                              16 * tiling.rowGroups))};
}

Products HeadGemmAttr::products() const {
  return {.perRow = uint64_t(getWeightRows()) * getInput().getWidth()};
}

Attribute HeadGemmAttr::decodeForm() const {
  return get(getContext(), getFormat(), getHeads(), getWeightRows(), getInput(),
             getOutput(), true);
}

ItemShape LatentWriteAttr::itemShape(const Tiling &) const {
  return {"tokens", 1};
}

ItemShape LatentAttentionAttr::itemShape(const Tiling &tiling) const {
  return {"tokens", getHeads() / getSharing(), tiling.tokens};
}

Products LatentAttentionAttr::products() const {
  return {.perRowAndToken =
              uint64_t(getHeads()) * (2 * getRank() + getRotary())};
}

ItemShape JoinHeadsAttr::itemShape(const Tiling &) const {
  return {"tokens", getHeads()};
}
