/// One op, or a region with the boxes inside it opened: what becomes one
/// launch.
#ifndef SINTER_PASSES_TILE_OPGROUP_H
#define SINTER_PASSES_TILE_OPGROUP_H

#include "dialects/sinter/Sinter.h"

#include <string>

namespace sinter {

class OpGroup {
public:
  explicit OpGroup(mlir::Operation *root);

  mlir::Operation *getRoot() const { return root; }

  /// How many ops of one kind there are, and the only one of it.
  template <typename Op> size_t count() const {
    return llvm::count_if(ops,
                          [](mlir::Operation *op) { return isa<Op>(op); });
  }
  template <typename Op> Op only() const {
    for (mlir::Operation *op : ops)
      if (auto found = llvm::dyn_cast<Op>(op))
        return count<Op>() == 1 ? found : Op();
    return Op();
  }
  size_t size() const { return ops.size(); }
  llvm::ArrayRef<mlir::Operation *> getOps() const { return ops; }

  /// Follows a value through the walls of boxes: to the result of an op of the
  /// group, or to a value from outside.
  mlir::Value resolve(mlir::Value value) const;

  /// True if users outside need exactly some of these values.
  bool gives(llvm::ArrayRef<mlir::Value> values) const;

  /// Users outside see `with` in place of the group's `value`.
  void replace(mlir::Value value, mlir::Value with);

  /// Layer and op, for profiles: the name in the location of the frontend's
  /// op, or the op's own.
  std::string label() const;

private:
  void collect(mlir::Block &body);

  mlir::Operation *root;
  llvm::SmallVector<mlir::Operation *> ops; ///< boxes left out, in order
};

} // namespace sinter

#endif // SINTER_PASSES_TILE_OPGROUP_H
