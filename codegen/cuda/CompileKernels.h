/// All kernels of a module as machine code for its GPU, with what each needs.
#ifndef SINTER_CODEGEN_CUDA_COMPILEKERNELS_H
#define SINTER_CODEGEN_CUDA_COMPILEKERNELS_H

#include "codegen/Emitter.h"
#include "codegen/cuda/CudaTarget.h"
#include "codegen/cuda/KernelText.h"
#include "codegen/cuda/Nvrtc.h"
#include "codegen/cuda/Resources.h"

#include <string>
#include <vector>

namespace sinter::cuda {

/// One kernel; `later` is PTX that GPUs after the target's can run too.
struct CompiledKernel {
  KernelText text;
  DeviceCode code;
  KernelResources needs;
  std::string later;
};

struct CompiledModule {
  const CudaTarget *target = nullptr;
  std::vector<CompiledKernel> kernels; ///< in the module's order
  /// Why there is no PTX for later GPUs although it was asked for.
  std::string noLater;
};

/// The number of a target: 121 of "sm_121a". It ends with a letter where its
/// code may use what no later GPU has.
unsigned capabilityOf(const CudaTarget &target);
bool isExact(const CudaTarget &target);

/// Compiles every kernel of `module` for its `#sinter.target`, a GPU, on
/// `threads` threads (0: one for each processor), and with `later` once more
/// for GPUs after it. Errors: emitCuda()'s, no NVRTC on this machine, and what
/// it says of a kernel.
llvm::Expected<CompiledModule> compileKernels(mlir::ModuleOp module, bool later,
                                              EmitProgress progress = nullptr,
                                              unsigned threads = 0);

} // namespace sinter::cuda

#endif // SINTER_CODEGEN_CUDA_COMPILEKERNELS_H
