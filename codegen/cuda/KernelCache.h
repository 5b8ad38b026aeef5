/// Keeps what NVRTC made between compilations: the same kernels come again and
/// again while a model or a target changes.
#ifndef SINTER_CODEGEN_CUDA_KERNELCACHE_H
#define SINTER_CODEGEN_CUDA_KERNELCACHE_H

#include "codegen/cuda/Nvrtc.h"

#include <optional>

namespace sinter::cuda {

/// What was kept under `key`; nothing if there is none, or if the file is not
/// as it was written.
std::optional<DeviceCode> readKernelCache(llvm::StringRef key);

/// Keeps it. A full disk or a folder that cannot be written is no error: the
/// next compilation only takes longer.
void writeKernelCache(llvm::StringRef key, const DeviceCode &code);

} // namespace sinter::cuda

#endif // SINTER_CODEGEN_CUDA_KERNELCACHE_H
