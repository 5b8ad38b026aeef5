/// What `compile --tune` found on this machine: one small file for each model
/// of processor in the user's cache folder, which later compilations read.
#ifndef SINTER_COMPILER_TUNEDTILES_H
#define SINTER_COMPILER_TUNEDTILES_H

#include "compiler/Options.h"
#include "compiler/TunedTable.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace sinter {

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
