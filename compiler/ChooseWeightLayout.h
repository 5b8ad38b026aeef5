/// Decides how each packed matrix lies in memory, which only the target
/// family's codegen knows.
#ifndef SINTER_COMPILER_CHOOSEWEIGHTLAYOUT_H
#define SINTER_COMPILER_CHOOSEWEIGHTLAYOUT_H

#include "mlir/Pass/Pass.h"

#include <memory>

namespace sinter {

/// sinter-choose-weight-layout: puts `bytes`, the packed size, on every
/// tile.packed. Errors: sources that are not declared or do not agree.
std::unique_ptr<mlir::Pass> createChooseWeightLayout();

} // namespace sinter

#endif // SINTER_COMPILER_CHOOSEWEIGHTLAYOUT_H
