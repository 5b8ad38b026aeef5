/// What each class of Tile.td says of its launches: the contract between
/// emitters and runtime, in numbers.
#include "dialects/tile/Float4.h"
#include "dialects/tile/Tile.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;

#include "dialects/tile/Skeleton.cpp.inc"

static const char *rowsOf(bool outputs) { return outputs ? "rows" : "tokens"; }

/// Whether matrix units multiply tiles of tokens: those of bytes do not where
/// tokens are few.
static bool hasTokenTiles(GemmAttr gemm) {
  const Format *format = findFormat(std::string_view(gemm.getFormat()));
  bool floats = format && (gemm.getInput().getSums() & float4Of(*format));
  return floats || !gemm.getDecode();
}

ItemShape GemmAttr::itemShape(const Tiling &tiling) const {
  auto count =
      int64_t(llvm::divideCeil(getWeightRows(), 16 * tiling.rowGroups));
  if (tiling.mma && hasTokenTiles(*this))
    return {rowsOf(getOutputs()), count, tiling.tokens};
  return {"one", count};
}

Products GemmAttr::products() const {
  return {.perRow = uint64_t(getWeightRows()) * getInput().getWidth(),
          .outputs = getOutputs()};
}

bool GemmAttr::hasHole() const { return true; }

Attribute GemmAttr::decodeForm() const {
  return get(getContext(), getFormat(), getWeightRows(), getInput(),
             getOutput(), getSegments(), getBias(), getOutputs(), true,
             getSlices());
}

ItemShape NormAttr::itemShape(const Tiling &) const {
  return {.items = rowsOf(getOutputs()), .replicated = true};
}

ItemShape ElementwiseAttr::itemShape(const Tiling &tiling) const {
  return {.items = rowsOf(getOutputs()),
          .count = int64_t(getSlots() * llvm::divideCeil(getOutput().getWidth(),
                                                         tiling.columns)),
          .replicated = true};
}

bool ElementwiseAttr::hasHole() const { return true; }

ItemShape HeadsAttr::itemShape(const Tiling &) const {
  return {"tokens", getQueryHeads() + getCacheHeads()};
}

ItemShape AttentionAttr::itemShape(const Tiling &tiling) const {
  return {"tokens", getCacheHeads(), tiling.tokens};
}

Products AttentionAttr::products() const {
  return {.perRowAndToken =
              uint64_t(getHeads()) * (getKeyWidth() + getValueWidth())};
}

ItemShape EmbedAttr::itemShape(const Tiling &) const {
  return {.items = "tokens", .replicated = true};
}
