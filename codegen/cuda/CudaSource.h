/// Whole CUDA C++ texts: the prelude and the kernels of a module, which read
/// nothing else. One text serves NVRTC and, for an emulated device, the host's
/// compiler.
#ifndef SINTER_CODEGEN_CUDA_CUDASOURCE_H
#define SINTER_CODEGEN_CUDA_CUDASOURCE_H

#include "codegen/cuda/KernelText.h"

#include "llvm/ADT/ArrayRef.h"

#include <string>

namespace sinter::cuda {

/// For NVRTC, which is given one kernel at a time.
std::string deviceSource(llvm::ArrayRef<KernelText> kernels);

/// For NVRTC and the host's compiler: which of the two forms is meant, the text
/// itself tells by __CUDACC__.
std::string portableSource(llvm::ArrayRef<KernelText> kernels);

} // namespace sinter::cuda

#endif // SINTER_CODEGEN_CUDA_CUDASOURCE_H
