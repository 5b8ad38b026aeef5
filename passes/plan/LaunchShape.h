/// How the work items of a launch are counted: the contract between emitters
/// and runtime, class by class as dialects/tile/Tile.td says.
#ifndef SINTER_PASSES_PLAN_LAUNCHSHAPE_H
#define SINTER_PASSES_PLAN_LAUNCHSHAPE_H

#include "dialects/plan/Plan.h"
#include "dialects/tile/Tile.h"

namespace sinter {

/// The fields of plan.launch that follow from the kernel alone.
struct LaunchShape {
  llvm::StringRef items; ///< one, tokens or rows
  int64_t count = 1;
  int64_t tile = 1;
  bool replicated = false; ///< one row costs less than a barrier
};

/// What the kernel moves and multiplies; `weightBytes` are those of its packed
/// operand. Null for kernels whose work is neither weights nor products.
plan::WorkAttr launchWork(mlir::Attribute skeleton, uint64_t weightBytes);

LaunchShape launchShape(mlir::Attribute skeleton, tile::ConfigAttr config);

} // namespace sinter

#endif // SINTER_PASSES_PLAN_LAUNCHSHAPE_H
