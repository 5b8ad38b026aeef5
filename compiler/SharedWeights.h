/// One weights section for several targets: what lies the same way in memory
/// for two of them is stored once.
#ifndef SINTER_COMPILER_SHAREDWEIGHTS_H
#define SINTER_COMPILER_SHAREDWEIGHTS_H

#include "mlir/IR/BuiltinOps.h"

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace sinter {

/// Marks a plan.weight whose bytes another module's fill.
inline constexpr const char *kSharedWeightAttr = "plan.shared";

/// Modules of one context, of the same model. The first keeps its places.
class SharedWeights {
public:
  /// Moves the plan.weight ops of a planned module to their places in the
  /// common section, and marks those that are there already.
  void place(mlir::ModuleOp module);

  uint64_t bytes() const { return end; }

private:
  /// What decides a constant's bytes: the op that describes it, and the
  /// model's tensors that it names, by their attributes, each of which a
  /// context has once.
  using Identity = std::vector<const void *>;
  struct Place {
    uint64_t offset, bytes;
  };

  std::map<Identity, Place> places;
  uint64_t end = 0;
};

} // namespace sinter

#endif // SINTER_COMPILER_SHAREDWEIGHTS_H
