/// Finds an op's label in its location or, failing that, in its attributes.
#include "passes/OpLabel.h"

#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/Location.h"

using namespace mlir;

static StringRef nameIn(Location location) {
  if (auto name = dyn_cast<NameLoc>(location))
    return name.getName();
  if (auto fused = dyn_cast<FusedLoc>(location))
    for (Location part : fused.getLocations())
      if (StringRef name = nameIn(part); !name.empty())
        return name;
  return {};
}

std::string sinter::labelOf(Operation *op) {
  if (StringRef name = nameIn(op->getLoc()); !name.empty())
    return name.str();
  if (auto weight = op->getAttrOfType<FlatSymbolRefAttr>("weight"))
    return weight.getValue().str();
  return op->getName().getStringRef().str();
}
