/// What an artifact says of itself: model, target, how it was compiled.
#ifndef SINTER_COMPILER_MANIFEST_H
#define SINTER_COMPILER_MANIFEST_H

#include "compiler/Options.h"
#include "dialects/sinter/Sinter.h"
#include "frontends/gguf/Import.h"

#include <string>

namespace sinter {

/// JSON; docs/artifact.md describes the keys. `options.threads` is not in it:
/// it changes no byte. `module` holds the model's facts; `tunedTiles` counts
/// the kernels whose tile was measured.
std::string manifestJson(const ModelInfo &info, mlir::ModuleOp module,
                         llvm::ArrayRef<TargetAttr> targets,
                         const CompileOptions &options, uint64_t tunedTiles);

} // namespace sinter

#endif // SINTER_COMPILER_MANIFEST_H
