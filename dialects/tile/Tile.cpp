/// Registers the tile dialect and verifies that kernels are well formed and
/// that launches match them.
#include "dialects/tile/Tile.h"
#include "dialects/tile/AttentionSplits.h"
#include "dialects/tile/Experts.h"
#include "dialects/tile/Latent.h"
#include "dialects/tile/Pooling.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::tile;

#include "dialects/tile/TileDialect.cpp.inc"
#include "dialects/tile/TileEnums.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/tile/TileAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/tile/TileOps.cpp.inc"

uint64_t sinter::rowBytesOf(unsigned width, bool q8, unsigned sums) {
  return q8 ? Q8Layout::of(width, sums).rowBytes : uint64_t(width) * 4;
}

uint64_t sinter::rowBytesOf(RankedTensorType rows) {
  auto q8 = dyn_cast<Q8Type>(rows.getElementType());
  return rowBytesOf(rows.getShape().back(), bool(q8), q8 ? q8.getSums() : 0);
}

void TileDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialects/tile/TileOps.cpp.inc"
      >();
  registerExpertOps(*this);
}

void TileDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/tile/TileAttributes.cpp.inc"
      >();
}

LogicalResult KernelOp::verify() {
  auto skeleton = dyn_cast<Skeleton>(getSkeleton());
  if (!skeleton)
    return emitOpError("needs a skeleton of the tile dialect, found ")
           << getSkeleton();
  if (getBody().empty())
    return success();
  if (!skeleton.hasHole())
    return emitOpError("has a body, but its skeleton has no hole");
  Block &body = getBody().front();
  if (body.empty() || !isa<YieldOp>(body.back()))
    return emitOpError("has a body that does not end in tile.yield");
  return success();
}

LogicalResult ColumnsOp::verify() {
  uint64_t have = getInput().getType().getShape().back();
  uint64_t want = getResult().getType().getShape().back();
  if (want > have || getOffset() > have - want)
    return emitOpError("takes ")
           << want << " columns at " << getOffset() << " of " << have;
  return success();
}

LogicalResult LaunchOp::verify() {
  for (Attribute entry : getOrder()) {
    StringRef name = cast<StringAttr>(entry).getValue();
    unsigned index;
    if (name.size() < 2 || name.drop_front().getAsInteger(10, index))
      return emitOpError("has operand '") << name << "' in its order";
    size_t limit = name[0] == 'i'   ? getInputs().size()
                   : name[0] == 's' ? getSymbols().size()
                   : name[0] == 'o' ? getResults().size()
                                    : 0;
    if (index >= limit)
      return emitOpError("has operand '")
             << name << "' in its order, but only " << limit << " of that kind";
  }
  return success();
}

LogicalResult LaunchOp::verifySymbolUses(SymbolTableCollection &tables) {
  if (!tables.lookupNearestSymbolFrom<KernelOp>(*this, getKernelAttr()))
    return emitOpError("calls ")
           << getKernelAttr() << ", which is no tile.kernel";
  for (auto symbol : getSymbols().getAsRange<FlatSymbolRefAttr>())
    if (!tables.lookupNearestSymbolFrom(*this, symbol))
      return emitOpError("names ") << symbol << ", which is not declared";
  return success();
}
