/// Prints the body of a kernel's hole: scalar float32 ops become the same ops
/// on vectors, so that a new fusion needs no new emitter.
#ifndef SINTER_CODEGEN_X86_HOLEBODY_H
#define SINTER_CODEGEN_X86_HOLEBODY_H

#include "codegen/x86/KernelBuilder.h"
#include "dialects/tile/Tile.h"

namespace sinter::x86 {

/// The value that `body` yields for `arguments` (float32 vectors of one
/// length). An empty body yields its first argument.
Value emitBody(KernelBuilder &k, mlir::Region &body, ValueRange arguments);

/// exp(x) of a float32 vector, to 2 units in the last place; exactly 0 below
/// -87.3 (which covers -inf), finite above 88.
Value emitExp(KernelBuilder &k, Value x);

/// tanh(x) of a float32 vector, within 2^-22 of the true value.
Value emitTanh(KernelBuilder &k, Value x);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_HOLEBODY_H
