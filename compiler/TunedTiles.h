/// What `compile --tune` found on this machine: one small file for each model
/// of processor in the user's cache folder, which later compilations read.
#ifndef SINTER_COMPILER_TUNEDTILES_H
#define SINTER_COMPILER_TUNEDTILES_H

#include "compiler/Options.h"
#include "runtime/LaunchCost.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace sinter {

/// A tile that was faster than the one of the rules.
struct TunedTile {
  std::string target; ///< #sinter.target that it was measured for
  TileOverride tile;
  std::string insteadOf; ///< the tile of the rules
  double gain = 0;       ///< part of the kernel's time that it saves
};

struct TunedTable {
  std::optional<MachineRates> rates;
  std::vector<TunedTile> tiles;
};

/// $XDG_CACHE_HOME (or ~/.cache) /sinter/tiles/<model of this processor>.json;
/// empty where there is neither variable.
std::string tunedTablePath();

/// The table in a file; an empty one if there is no such file. Errors name the
/// file and what is wrong in it.
llvm::Expected<TunedTable> readTunedTable(const std::string &path);

/// Writes the file, and its folders, whole or not at all.
llvm::Error writeTunedTable(const std::string &path, const TunedTable &table);

/// Puts the tiles for the module's target on the module, for
/// sinter-select-tiles, `first` before those of the table. Returns what was
/// wrong with some of them, which are left out.
std::vector<std::string> attachTunedTiles(mlir::ModuleOp module,
                                          llvm::ArrayRef<TileOverride> first,
                                          const TunedTable &table);

} // namespace sinter

#endif // SINTER_COMPILER_TUNEDTILES_H
