/// The one header to include for the plan dialect.
#ifndef SINTER_DIALECTS_PLAN_H
#define SINTER_DIALECTS_PLAN_H

#include "dialects/tile/Tile.h"

#include "mlir/IR/RegionKindInterface.h"

#include "dialects/plan/PlanDialect.h.inc"

namespace sinter::plan {
/// Parts of #plan.shares that the artifact has room for.
inline constexpr size_t kMaxShareParts = 4;
} // namespace sinter::plan

#define GET_ATTRDEF_CLASSES
#include "dialects/plan/PlanAttributes.h.inc"

#define GET_OP_CLASSES
#include "dialects/plan/Plan.h.inc"

#endif // SINTER_DIALECTS_PLAN_H
