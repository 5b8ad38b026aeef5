/// Verifiers of the norms.
#include "dialects/sinter/NormOps.h"

#include "dialects/sinter/Operands.h"

using namespace mlir;
using namespace sinter;

#define GET_OP_CLASSES
#include "dialects/sinter/NormOps.cpp.inc"

void sinter::registerNormOps(SinterDialect &dialect) {
  dialect.addGroup<
#define GET_OP_LIST
#include "dialects/sinter/NormOps.cpp.inc"
      >();
}

/// Says why rows cannot be that many equal parts.
static LogicalResult checkHeads(Operation *op, int64_t row, int64_t heads) {
  if (heads >= 1 && row % heads == 0)
    return success();
  return op->emitOpError("splits rows of ")
         << row << " into " << heads << " heads";
}

LogicalResult UnitNormOp::verify() {
  return checkHeads(*this, rowWidth(getInput()), getHeads());
}

LogicalResult LayerNormOp::verifySymbolUses(SymbolTableCollection &tables) {
  int64_t row = rowWidth(getInput());
  if (failed(checkHeads(*this, row, getHeads())))
    return failure();
  for (FlatSymbolRefAttr symbol : {getWeightAttr(), getBiasAttr()}) {
    if (!symbol)
      continue;
    auto type = weightType(*this, symbol, tables);
    if (failed(type))
      return failure();
    if (type->getNumElements() != row)
      return emitOpError("norms rows of ")
             << row << " with " << symbol << " of " << *type;
  }
  return success();
}
