/// The norms of the sinter dialect beyond the RMS norm.
#ifndef SINTER_DIALECTS_SINTER_NORMOPS_H
#define SINTER_DIALECTS_SINTER_NORMOPS_H

#include "dialects/sinter/Sinter.h"

#define GET_OP_CLASSES
#include "dialects/sinter/NormOps.h.inc"

namespace sinter {

void registerNormOps(SinterDialect &dialect);

/// Whether `op` norms rows, in one of the ways that norm kernels know.
inline bool isNorm(mlir::Operation *op) {
  return mlir::isa<RmsNormOp, LayerNormOp>(op);
}

/// The gain of such an op.
inline mlir::FlatSymbolRefAttr gainOf(mlir::Operation *norm) {
  return norm->getAttrOfType<mlir::FlatSymbolRefAttr>("weight");
}

} // namespace sinter

#endif // SINTER_DIALECTS_SINTER_NORMOPS_H
