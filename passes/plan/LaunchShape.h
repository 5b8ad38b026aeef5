/// How the work items of a launch are counted: the contract between emitters
/// and runtime, class by class as dialects/tile/Tile.td says.
#ifndef SINTER_PASSES_PLAN_LAUNCHSHAPE_H
#define SINTER_PASSES_PLAN_LAUNCHSHAPE_H

#include "dialects/tile/Tile.h"

namespace sinter {

/// The fields of plan.launch that follow from the kernel alone.
struct LaunchShape {
  llvm::StringRef items; ///< one, tokens or rows
  int64_t count = 1;
  int64_t tile = 1;
};

LaunchShape launchShape(mlir::Attribute skeleton, tile::ConfigAttr config);

} // namespace sinter

#endif // SINTER_PASSES_PLAN_LAUNCHSHAPE_H
