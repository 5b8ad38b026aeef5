/// The device code section of a GPU's part of an artifact.
#ifndef SINTER_COMPILER_DEVICESECTION_H
#define SINTER_COMPILER_DEVICESECTION_H

#include "codegen/cuda/CompileKernels.h"
#include "compiler/Report.h"

#include "llvm/Support/Error.h"

#include <cstddef>
#include <span>
#include <vector>

namespace sinter {

/// The bytes of the section (runtime/DeviceCode.h), its kernels in the order
/// of the plan whose bytes these are, which has `weightBytes` of weights.
/// Errors: a kernel of the plan that was not compiled.
llvm::Expected<std::vector<std::byte>>
deviceSectionBytes(const cuda::CompiledModule &compiled,
                   std::span<const std::byte> plan, uint64_t weightBytes);

/// What the report says of the kernels' needs.
std::vector<KernelNeeds> kernelNeeds(const cuda::CompiledModule &compiled);

} // namespace sinter

#endif // SINTER_COMPILER_DEVICESECTION_H
