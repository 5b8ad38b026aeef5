/// The one header to include for the sinter dialect.
#ifndef SINTER_DIALECTS_SINTER_H
#define SINTER_DIALECTS_SINTER_H

#include "dialects/formats/Format.h"

#include "mlir/Bytecode/BytecodeOpInterface.h"
#include "mlir/IR/BuiltinAttributes.h"
#include "mlir/IR/BuiltinTypes.h"
#include "mlir/IR/Dialect.h"
#include "mlir/IR/OpImplementation.h"
#include "mlir/IR/SymbolTable.h"
#include "mlir/Interfaces/ControlFlowInterfaces.h"
#include "mlir/Interfaces/InferTypeOpInterface.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

#include "dialects/sinter/SinterDialect.h.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/sinter/SinterTypes.h.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/sinter/SinterAttributes.h.inc"

#include "dialects/sinter/Elementwise.h.inc"

#define GET_OP_CLASSES
#include "dialects/sinter/SinterOps.h.inc"

namespace sinter {

/// The format of a weight's elements; F32, F16 and BF16 are the builtin types.
const Format *formatOf(mlir::Type element);

/// The element type that stands for a format.
mlir::Type elementTypeFor(const Format &format, mlir::MLIRContext *context);

/// Bytes of so many numbers in a KV cache of `element`: whole blocks of Q8_0.
uint64_t cacheBytes(mlir::Type element, uint64_t numbers);

/// Whether a cache holds signed bytes, with a scale for 32 of them.
bool isQ8Cache(mlir::Type element);

/// Whether a cache has four columns of a key, or four tokens' values, in a word
/// (PlanState in runtime/ArtifactFormat.h).
bool isByteCache(mlir::Type element);

} // namespace sinter

#endif // SINTER_DIALECTS_SINTER_H
