/// Numbers of one byte, four bits of exponent and three of mantissa (OCP 8-bit
/// floating point, E4M3), which x86 has no instructions for.
#ifndef SINTER_CODEGEN_X86_E4M3_H
#define SINTER_CODEGEN_X86_E4M3_H

#include "codegen/x86/KernelBuilder.h"

namespace sinter::x86 {

/// A vector of float32 as codes in 32-bit lanes: rounded to the nearest, ties
/// to even; 448 where it is more.
Value toE4m3(KernelBuilder &k, Value numbers);

/// Byte `number` (i64) of each 32-bit lane as float32.
Value fromE4m3(KernelBuilder &k, Value words, Value number);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_E4M3_H
