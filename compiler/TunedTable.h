/// The tiles and rates that `compile --tune` measured, and the JSON in which a
/// file keeps them: text that a person can read, change and break.
#ifndef SINTER_COMPILER_TUNEDTABLE_H
#define SINTER_COMPILER_TUNEDTABLE_H

#include "compiler/Options.h"
#include "runtime/LaunchCost.h"
#include "runtime/Status.h"

#include <optional>
#include <string>
#include <string_view>
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

/// The table in `text`. Errors: CorruptData, saying the first thing that is
/// wrong.
Result<TunedTable> parseTunedTable(std::string_view text);

/// What parseTunedTable() reads, for tiles of the processor of that name.
std::string tunedTableText(const TunedTable &table, std::string_view processor);

} // namespace sinter

#endif // SINTER_COMPILER_TUNEDTABLE_H
