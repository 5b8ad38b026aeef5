/// What the classes of recurrent layers say of their launches.
#include "dialects/tile/Tile.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter::tile;

unsigned sinter::tile::scanBlock(unsigned valueWidth) {
  return std::min(32u, valueWidth & -valueWidth);
}

ItemShape ScanAttr::itemShape(const Tiling &) const {
  if (getChunk())
    return {"tokens", getValueHeads()};
  return {"one",
          getValueHeads() * (getValueWidth() / scanBlock(getValueWidth()))};
}

Products ScanAttr::products() const {
  uint64_t elements =
      uint64_t(getValueHeads()) * getKeyWidth() * getValueWidth();
  // The delta rule reads the state once more, for kᵀS.
  return {.perRow = elements * (getDelta() ? 3 : 2),
          .stateBytes = getInPlace() ? 2 * elements * 4 : 0,
          .copiedBytes = getInPlace() ? 0 : elements * 4};
}

ItemShape ConvAttr::itemShape(const Tiling &) const {
  return {"one", int64_t(llvm::divideCeil(getChannels(), kConvChannels))};
}

Products ConvAttr::products() const {
  uint64_t window = uint64_t(getTaps() - 1) * getChannels() * 4;
  return {.perRow = getShift() ? 0 : uint64_t(getTaps()) * getChannels(),
          .stateBytes = getInPlace() ? 2 * window : 0,
          .copiedBytes = getShift() ? window : 0};
}

ItemShape StateCopyAttr::itemShape(const Tiling &) const {
  return {"one", int64_t(llvm::divideCeil(getElements(), kCopyElements))};
}

Products StateCopyAttr::products() const {
  return {.copiedBytes = uint64_t(getElements()) * 4};
}

ItemShape HeadColumnsAttr::itemShape(const Tiling &) const {
  return {"tokens", getHeads()};
}

ItemShape GatedNormAttr::itemShape(const Tiling &) const {
  return {"tokens", getInput().getWidth() / getGroup()};
}
