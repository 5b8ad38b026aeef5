/// What verifiers and passes ask of an op's operands: how wide rows are, and
/// what a weight is.
#ifndef SINTER_DIALECTS_SINTER_OPERANDS_H
#define SINTER_DIALECTS_SINTER_OPERANDS_H

#include "dialects/sinter/Sinter.h"

#include <cstdint>

namespace sinter {

/// Elements in a row of activations.
int64_t rowWidth(mlir::Value rows);

/// The type of the weight that `symbol` names, or an error at `op`.
mlir::FailureOr<mlir::RankedTensorType>
weightType(mlir::Operation *op, mlir::FlatSymbolRefAttr symbol,
           mlir::SymbolTableCollection &tables);

} // namespace sinter

#endif // SINTER_DIALECTS_SINTER_OPERANDS_H
