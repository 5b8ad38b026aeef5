/// Finds launches that a thread can do head by head: where projections, the
/// step's heads and attention divide their items alike, a thread reads only
/// what it wrote itself, and no barrier is needed between them.
///
///   projection of q | k   items  [q: 16][k: 8]     of 128 columns each
///   heads                 items  [q: 16][k, v: 8]
///   attention             items  [8]
///                      =>  8 shares; two threads take four of each part
///
/// What divides alike follows from the kernels' shapes: which columns of a row
/// an item reads or writes. Results that anybody else reads still need a
/// barrier; sinter-plan-memory decides that from the areas given here.
#ifndef SINTER_PASSES_PLAN_HEADSHARES_H
#define SINTER_PASSES_PLAN_HEADSHARES_H

#include "dialects/plan/Plan.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/EquivalenceClasses.h"

namespace sinter {

/// On a plan.launch with shares, for each operand: begin and end of the areas
/// of one row, in bytes from the operand on, that fall into as many equal
/// shares; none: every share may touch all of it.
inline constexpr llvm::StringLiteral kAreasAttr = "plan.areas";

class HeadShares {
public:
  explicit HeadShares(mlir::func::FuncOp function);

  /// Null: the launch has no shares.
  plan::SharesAttr of(tile::LaunchOp launch) const;
  /// The attribute kAreasAttr of a launch with shares.
  mlir::ArrayAttr areasOf(tile::LaunchOp launch) const;

private:
  /// Columns [begin, end) of float32 rows; of a state, all of it is [0, 1).
  struct Area {
    int64_t begin, end;
    bool operator==(const Area &) const = default;
  };
  struct Division {
    llvm::SmallVector<int64_t> parts; ///< items
    /// By name in the launch's order: i0, o0 …
    llvm::StringMap<llvm::SmallVector<Area>> areas;
  };

  void divideByHead(tile::LaunchOp launch, tile::KernelOp kernel);
  void divideByReaders(tile::LaunchOp launch, tile::KernelOp kernel);
  llvm::SmallVector<Area> areasRead(mlir::Value value) const;
  void joinWithReaders(tile::LaunchOp launch);

  mlir::MLIRContext *context;
  llvm::DenseMap<mlir::Operation *, Division> divisions;
  llvm::EquivalenceClasses<mlir::Operation *> together;
};

} // namespace sinter

#endif // SINTER_PASSES_PLAN_HEADSHARES_H
