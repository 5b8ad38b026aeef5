/// The activations and scalings of the sinter dialect.
#ifndef SINTER_DIALECTS_SINTER_ELEMENTWISEOPS_H
#define SINTER_DIALECTS_SINTER_ELEMENTWISEOPS_H

#include "dialects/sinter/Sinter.h"

#define GET_OP_CLASSES
#include "dialects/sinter/ElementwiseOps.h.inc"

namespace sinter {

void registerElementwiseOps(SinterDialect &dialect);

/// The weight whose one number an elementwise op's formula takes behind the
/// elements of its operands; null: none.
inline mlir::FlatSymbolRefAttr numberOf(mlir::Operation *op) {
  auto scale = mlir::dyn_cast<ScaleByOp>(op);
  return scale ? scale.getWeightAttr() : mlir::FlatSymbolRefAttr();
}

} // namespace sinter

#endif // SINTER_DIALECTS_SINTER_ELEMENTWISEOPS_H
