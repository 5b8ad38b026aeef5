/// Looks at types and symbols.
#include "dialects/sinter/Operands.h"

using namespace mlir;

namespace sinter {

int64_t rowWidth(Value rows) {
  return cast<RankedTensorType>(rows.getType()).getShape().back();
}

FailureOr<RankedTensorType> weightType(Operation *op, FlatSymbolRefAttr symbol,
                                       SymbolTableCollection &tables) {
  auto weight = tables.lookupNearestSymbolFrom<WeightOp>(op, symbol);
  if (!weight)
    return op->emitOpError("names weight ")
           << symbol << ", which is not declared";
  return cast<RankedTensorType>(weight.getType());
}

} // namespace sinter
