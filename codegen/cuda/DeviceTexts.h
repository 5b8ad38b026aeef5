/// What NVRTC makes of a module's kernels, in words: PTX, and what each kernel
/// needs of its target.
#ifndef SINTER_CODEGEN_CUDA_DEVICETEXTS_H
#define SINTER_CODEGEN_CUDA_DEVICETEXTS_H

#include "codegen/Emitter.h"

namespace sinter {

enum class DeviceText { Ptx, Resources };

/// Compiles every kernel of `module` for its `#sinter.target`, a GPU, on
/// `threads` threads (0: one for each processor). Errors: emitCuda()'s, no
/// NVRTC on this machine, and what it says of a kernel.
llvm::Expected<std::string> emitDeviceText(mlir::ModuleOp module,
                                           DeviceText text,
                                           EmitProgress progress = nullptr,
                                           unsigned threads = 0);

} // namespace sinter

#endif // SINTER_CODEGEN_CUDA_DEVICETEXTS_H
