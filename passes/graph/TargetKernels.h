/// Which ops and regions a family of targets has kernels for: the one place
/// that legalisation asks.
#ifndef SINTER_PASSES_GRAPH_TARGETKERNELS_H
#define SINTER_PASSES_GRAPH_TARGETKERNELS_H

#include "dialects/sinter/Sinter.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"

#include <string>

namespace sinter {

/// A region kind that has a kernel, and the shapes it has none for.
struct RegionKernel {
  llvm::StringLiteral kind;
  /// Why the kernel does not take this region; empty if it does.
  std::string (*obstacle)(RegionOp region) = nullptr;
};

struct TargetKernels {
  llvm::StringLiteral levelPrefix; ///< of #sinter.target's level
  llvm::ArrayRef<llvm::StringLiteral> ops;
  llvm::ArrayRef<RegionKernel> regions;

  bool hasOp(llvm::StringRef name) const;
  /// Why this region must be inlined; empty if it has a kernel.
  std::string obstacle(RegionOp region) const;
};

/// The kernels of a target's family; null if there is none.
const TargetKernels *kernelsFor(TargetAttr target);

} // namespace sinter

#endif // SINTER_PASSES_GRAPH_TARGETKERNELS_H
