/// The kernel that chooses tokens, which a model for a GPU has beside those
/// that its launches call.
#ifndef SINTER_CODEGEN_CUDA_SAMPLEKERNEL_H
#define SINTER_CODEGEN_CUDA_SAMPLEKERNEL_H

#include "codegen/cuda/KernelText.h"

#include "mlir/IR/BuiltinOps.h"

#include <optional>

namespace sinter::cuda {

/// None for a module that is for no GPU, that gives no logits, or whose
/// vocabulary is larger than the kernel can do.
std::optional<KernelText> sampleKernel(mlir::ModuleOp module);

} // namespace sinter::cuda

#endif // SINTER_CODEGEN_CUDA_SAMPLEKERNEL_H
