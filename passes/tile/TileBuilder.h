/// Words for lowering to tile: kernels without duplicates, the constants that
/// they read, and launches whose operands are listed in the kernel's order.
#ifndef SINTER_PASSES_TILE_TILEBUILDER_H
#define SINTER_PASSES_TILE_TILEBUILDER_H

#include "dialects/sinter/Operands.h"
#include "dialects/tile/Tile.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/MapVector.h"

#include <string>

namespace sinter {

/// "blk.0.ffn_gate.weight" -> "blk.0.ffn_gate".
llvm::StringRef stemOf(llvm::StringRef weight);

class TileBuilder {
public:
  explicit TileBuilder(mlir::ModuleOp module);

  /// The kernel of this skeleton, whose hole computes the formula of `body` if
  /// it is given; made on first use and named `name` (or `name_1` … if another
  /// kernel has that name).
  mlir::FlatSymbolRefAttr kernel(const llvm::Twine &name,
                                 mlir::Attribute skeleton,
                                 Elementwise body = {});

  /// Constants, each made once for the same sources.
  mlir::FlatSymbolRefAttr
  packed(llvm::ArrayRef<mlir::FlatSymbolRefAttr> sources,
         llvm::ArrayRef<mlir::FlatSymbolRefAttr> scales, bool alternating);
  /// Of each source [experts, …] the `rows` rows from its `first` on.
  mlir::FlatSymbolRefAttr
  packedExperts(llvm::ArrayRef<mlir::FlatSymbolRefAttr> sources,
                llvm::ArrayRef<int64_t> first, int64_t rows,
                llvm::ArrayRef<mlir::FlatSymbolRefAttr> scales);
  mlir::FlatSymbolRefAttr
  vector(llvm::ArrayRef<mlir::FlatSymbolRefAttr> sources);
  mlir::FlatSymbolRefAttr ropeTable(RopeAttr rope);

  /// Row-major [rows, width] of a weight of the file.
  mlir::RankedTensorType weightType(mlir::FlatSymbolRefAttr weight) const;

  /// How the rows of a value lie in memory: f32 with the stride of the value
  /// that it is a part of, or 8-bit.
  tile::RowAttr row(mlir::Value rows) const;
  /// The same for a value of its own.
  tile::RowAttr row(mlir::Type rows) const;

  /// Values that have a row per output of the step instead of one per token.
  bool countsOutputs(mlir::Value rows) const { return outputs.contains(rows); }
  void setCountsOutputs(mlir::Value rows) { outputs.insert(rows); }

  mlir::OpBuilder builder;

private:
  mlir::FlatSymbolRefAttr declare(mlir::Operation *op);
  void fill(tile::KernelOp kernel, Elementwise body);
  std::string joinedName(llvm::ArrayRef<mlir::FlatSymbolRefAttr> sources);

  mlir::ModuleOp module;
  mlir::SymbolTable symbols;
  /// Where the next kernel or constant goes: before the first function.
  mlir::OpBuilder declarations;
  /// By everything that makes two declarations equal.
  llvm::DenseMap<mlir::Attribute, mlir::FlatSymbolRefAttr> known;
  llvm::DenseSet<mlir::Value> outputs;
};

/// Collects the operands of one launch in the order of the kernel's class.
class LaunchBuilder {
public:
  LaunchBuilder(TileBuilder &tile, mlir::Location loc) : tile(tile), loc(loc) {}

  LaunchBuilder &input(mlir::Value value);
  LaunchBuilder &symbol(mlir::FlatSymbolRefAttr constant);
  LaunchBuilder &output(mlir::Type type);
  /// Results count outputs of the step, not tokens.
  LaunchBuilder &countsOutputs(bool does);
  LaunchBuilder &writesState();

  tile::LaunchOp launch(mlir::FlatSymbolRefAttr kernel, llvm::StringRef label);

private:
  TileBuilder &tile;
  mlir::Location loc;
  llvm::SmallVector<mlir::Value> inputs;
  llvm::SmallVector<mlir::Attribute> constants;
  llvm::SmallVector<mlir::Type> results;
  llvm::SmallVector<std::string> order;
  bool resultsCountOutputs = false;
  bool writes = false;
};

} // namespace sinter

#endif // SINTER_PASSES_TILE_TILEBUILDER_H
