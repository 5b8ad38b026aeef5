/// What a kernel needs of a GPU, as ptxas reports it, and how much of a
/// multiprocessor that leaves busy.
#ifndef SINTER_CODEGEN_CUDA_RESOURCES_H
#define SINTER_CODEGEN_CUDA_RESOURCES_H

#include "codegen/cuda/CudaTarget.h"
#include "codegen/cuda/KernelText.h"
#include "codegen/cuda/Nvrtc.h"

#include <vector>

namespace sinter::cuda {

struct KernelResources {
  std::string name;
  unsigned threads = 0;   ///< of a block
  unsigned registers = 0; ///< of a thread
  unsigned stack = 0;     ///< bytes of a thread
  unsigned spills = 0;    ///< bytes of a thread, stored and loaded
  unsigned shared = 0;    ///< bytes of a block that its text declares
  unsigned dynamic = 0;   ///< and that its launch adds
  /// ptxas found that nothing may go on beside its products of four warps.
  bool serialised = false;
};

/// Of the one kernel in `code`. Errors: a log that does not tell.
llvm::Expected<KernelResources> resourcesOf(const KernelText &kernel,
                                            const DeviceCode &code);

/// Warps that a multiprocessor holds at once, if it has enough blocks.
unsigned residentWarps(const KernelResources &kernel, const CudaTarget &target);

/// Why the target cannot run the kernel, or not well; empty: it can.
std::string obstacleOf(const KernelResources &kernel, const CudaTarget &target);

/// A line for each kernel, and below how many have an obstacle.
std::string resourceTable(const std::vector<KernelResources> &kernels,
                          const CudaTarget &target);

} // namespace sinter::cuda

#endif // SINTER_CODEGEN_CUDA_RESOURCES_H
