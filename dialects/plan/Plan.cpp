/// Registers the plan dialect and verifies what the artifact relies on.
#include "dialects/plan/Plan.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::plan;

#include "dialects/plan/PlanDialect.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/plan/PlanAttributes.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/plan/Plan.cpp.inc"

void PlanDialect::initialize() {
  registerAttributes();
  addOperations<
#define GET_OP_LIST
#include "dialects/plan/Plan.cpp.inc"
      >();
}

void PlanDialect::registerAttributes() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/plan/PlanAttributes.cpp.inc"
      >();
}

RegionKind RegimeOp::getRegionKind(unsigned) { return RegionKind::Graph; }

LogicalResult RegimeOp::verify() {
  if (getMaxTokens() < 1)
    return emitOpError("serves steps of at least one token, found ")
           << getMaxTokens();
  return success();
}

LogicalResult LaunchOp::verify() {
  StringRef items = getItems();
  if (items != "one" && items != "tokens" && items != "rows")
    return emitOpError("counts its items by '")
           << items << "'; expected one, tokens or rows";
  if (getCount() < 1 || getTile() < 1)
    return emitOpError("needs count and tile of at least 1, found ")
           << getCount() << " and " << getTile();
  if (getBarrier() && getBatchBarrier())
    return emitOpError("has a barrier and a batch_barrier; one includes the "
                       "other");
  return success();
}
