/// What a target family gives the compiler: tile kernels in, one loadable
/// binary out, and the text of every stage on the way.
#ifndef SINTER_CODEGEN_EMITTER_H
#define SINTER_CODEGEN_EMITTER_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/Support/Error.h"

#include <cstddef>
#include <string>

namespace sinter {

/// How far to go, for `compile --emit=`.
enum class EmitStage { Llvm, Assembly, Binary };

/// Called as each kernel is done: kernels so far, kernels in all.
using EmitProgress = llvm::function_ref<void(size_t done, size_t all)>;

/// Emits every `tile.kernel` of `module` for its `#sinter.target` (an x86-64
/// level): LLVM IR text, assembly text, or an ELF shared object that exports
/// each kernel under its symbol name as a KernelFunction
/// (runtime/ArtifactFormat.h). The same module gives the same bytes, whatever
/// the number of `threads` (0: one for each processor).
/// Errors name the kernel and what its skeleton asks for that this target
/// lacks.
llvm::Expected<std::string> emitX86(mlir::ModuleOp module, EmitStage stage,
                                    EmitProgress progress = nullptr,
                                    unsigned threads = 0);

/// The same kernels as CUDA C++: one text for NVRTC and, on an emulated device,
/// for the host's compiler, where each is exported as a KernelFunction too.
llvm::Expected<std::string> emitCuda(mlir::ModuleOp module);

} // namespace sinter

#endif // SINTER_CODEGEN_EMITTER_H
