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

LogicalResult SharesAttr::verify(function_ref<InFlightDiagnostic()> emitError,
                                 uint32_t count, ArrayRef<int64_t> parts) {
  if (count < 2 || parts.empty() || parts.size() > kMaxShareParts)
    return emitError() << "shares: expected two or more of 1 to "
                       << kMaxShareParts << " parts, found " << count << " of "
                       << parts.size();
  for (int64_t items : parts)
    if (items < 1 || items % count)
      return emitError() << "shares: a part of " << items
                         << " items is no multiple of " << count;
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
  if (SharesAttr shares = getSharesAttr()) {
    uint64_t sum = 0;
    for (int64_t part : shares.getParts())
      sum += part;
    if (sum != getCount() || items == "rows" || getReplicated())
      return emitOpError("has shares of ")
             << sum << " items; expected its " << getCount()
             << ", counted by one or tokens, and not replicated";
  }
  if (getBarrier() + getBatchBarrier() + getUnsharedBarrier() > 1)
    return emitOpError("has two kinds of barrier; one includes the other");
  if (getUnsharedBarrier() && !getSharesAttr())
    return emitOpError("has an unshared_barrier, but no shares");
  return success();
}
