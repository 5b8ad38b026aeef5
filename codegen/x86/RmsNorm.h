/// The arithmetic of an RMS norm, once for rows and heads, so that a fused norm
/// rounds like an unfused one.
#ifndef SINTER_CODEGEN_X86_RMSNORM_H
#define SINTER_CODEGEN_X86_RMSNORM_H

#include "codegen/x86/KernelBuilder.h"

namespace sinter::x86 {

/// Sum of squares of `width` float32 at `row`; with an `addend` the row is
/// increased by it first, into `sumRow`.
Value sumOfSquares(KernelBuilder &k, Value row, Value addend, Value sumRow,
                   unsigned width);

/// 1 / sqrt(squares / width + epsilon), repeated `lanes` times.
Value inverseRms(KernelBuilder &k, Value squares, unsigned width,
                 double epsilon, unsigned lanes);

/// `lanes` normed elements at byte `offset` of the row: x · inverse, times
/// `weight` if there is one.
Value normed(KernelBuilder &k, Value row, Value weight, Value offset,
             Value inverse, unsigned lanes);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_RMSNORM_H
