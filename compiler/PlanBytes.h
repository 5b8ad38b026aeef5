/// The plan dialect as the bytes of the plan section.
#ifndef SINTER_COMPILER_PLANBYTES_H
#define SINTER_COMPILER_PLANBYTES_H

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <cstddef>
#include <vector>

namespace sinter {

/// PlanHeader and its tables (runtime/ArtifactFormat.h). The module has been
/// through the whole pipeline and holds `sinter.model`. Errors: a number that
/// its field cannot hold.
llvm::Expected<std::vector<std::byte>> planBytes(mlir::ModuleOp module);

} // namespace sinter

#endif // SINTER_COMPILER_PLANBYTES_H
