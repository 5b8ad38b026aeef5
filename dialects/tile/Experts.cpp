/// What the skeleton classes of a mixture of experts say of their launches.
#include "dialects/tile/Experts.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter::tile;

#define GET_OP_CLASSES
#include "dialects/tile/Experts.cpp.inc"

void sinter::tile::registerExpertOps(TileDialect &dialect) {
  dialect.addGroup<PackedExpertsOp>();
}

ItemShape RouteAttr::itemShape(const Tiling &) const {
  return {.items = "tokens", .replicated = true};
}

ItemShape GroupAttr::itemShape(const Tiling &) const {
  return {.items = "one", .replicated = true};
}

ItemShape GroupedGemmAttr::itemShape(const Tiling &) const {
  return {"one", kGroupedItems};
}

Products GroupedGemmAttr::products() const {
  return {.perRow =
              uint64_t(getTop()) * getWeightRows() * getInput().getWidth(),
          .experts = uint32_t(getExperts()),
          .top = uint32_t(getTop())};
}

bool GroupedGemmAttr::hasHole() const { return true; }

Attribute GroupedGemmAttr::decodeForm() const {
  return get(getContext(), getFormat(), getExperts(), getTop(), getWeightRows(),
             getInput(), getOutput(), getSlots(), getSegments(), getBiasRows(),
             getBiasFirst(), true);
}

ItemShape CombineAttr::itemShape(const Tiling &tiling) const {
  return {.items = "tokens",
          .count = int64_t(llvm::divideCeil(getWidth(), tiling.columns)),
          .replicated = true};
}
