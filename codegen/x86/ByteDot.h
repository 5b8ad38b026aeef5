/// Multiplies unsigned weight bytes by signed activation bytes and adds groups
/// of four to 32-bit lanes: exactly, on every instruction set.
#ifndef SINTER_CODEGEN_X86_BYTEDOT_H
#define SINTER_CODEGEN_X86_BYTEDOT_H

#include "codegen/x86/KernelBuilder.h"

namespace sinter::x86 {

/// sums + Σ₄ weights·activations. `weights` holds unsigned bytes of at most
/// `largest`; `activations` signed bytes in -127..127, both in 32-bit lanes as
/// wide as `sums`.
Value byteDot(KernelBuilder &k, Value sums, Value weights, Value activations,
              unsigned largest);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_BYTEDOT_H
