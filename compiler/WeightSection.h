/// Fills the weights section: packed matrices, vectors and frequencies, each
/// where its plan.weight says.
#ifndef SINTER_COMPILER_WEIGHTSECTION_H
#define SINTER_COMPILER_WEIGHTSECTION_H

#include "frontends/gguf/GgufModel.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/STLFunctionalExtras.h"

#include <span>

namespace sinter {

/// Bytes of the section of a planned module.
uint64_t weightSectionBytes(mlir::ModuleOp module);

/// Writes all constants of `module` into `section` on at most `threads`
/// threads; the bytes do not depend on their number. `progress` is called on
/// the caller's thread with the bytes written so far. Errors name the tensor.
llvm::Error fillWeightSection(mlir::ModuleOp module, const GgufModel &file,
                              std::span<std::byte> section, unsigned threads,
                              llvm::function_ref<void(uint64_t)> progress);

} // namespace sinter

#endif // SINTER_COMPILER_WEIGHTSECTION_H
