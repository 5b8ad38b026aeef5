/// From the MLIR of one kernel to LLVM IR, assembly or an object file.
#ifndef SINTER_CODEGEN_X86_LOWERKERNEL_H
#define SINTER_CODEGEN_X86_LOWERKERNEL_H

#include "codegen/Emitter.h"
#include "codegen/x86/Isa.h"

namespace sinter::x86 {

/// Loads every dialect that emitting and lowering need, and registers the
/// translation to LLVM IR.
void prepareContext(mlir::MLIRContext &context);

/// Lowers `module` (one kernel, as KernelBuilder writes it) to LLVM bitcode.
/// MLIR's half: one kernel at a time, since pass managers that start on
/// several threads load dialects into shared tables.
llvm::Expected<std::string> lowerToBitcode(mlir::ModuleOp module);

/// LLVM's half, safe on several threads: optimises bitcode. Llvm: IR text;
/// Assembly: text; Binary: a relocatable object.
llvm::Expected<std::string> compileBitcode(const std::string &bitcode,
                                           const Isa &isa, EmitStage stage);

/// Links objects into a shared object with lld, in this process.
llvm::Expected<std::string> linkShared(llvm::ArrayRef<std::string> objects);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_LOWERKERNEL_H
