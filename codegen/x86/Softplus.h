/// ln(1 + exp(x)), which decays of recurrent states are made of.
#ifndef SINTER_CODEGEN_X86_SOFTPLUS_H
#define SINTER_CODEGEN_X86_SOFTPLUS_H

#include "codegen/x86/KernelBuilder.h"

namespace sinter::x86 {

/// Of a vector of float32; x itself above 20, where float32 sees no difference.
Value emitSoftplus(KernelBuilder &k, Value x);

/// 1 / (1 + exp(-x)).
Value emitSigmoid(KernelBuilder &k, Value x);

/// x / (1 + exp(-x)), to the bit what the formula of sinter.silu gives.
Value emitSilu(KernelBuilder &k, Value x);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_SOFTPLUS_H
