/// The tile of a kernel, its reason, and what else it might have been: from the
/// kernel's class and the chip's facts to the rules of TileCost.h and back.
#ifndef SINTER_PASSES_TILE_KERNELTILE_H
#define SINTER_PASSES_TILE_KERNELTILE_H

#include "dialects/tile/Tile.h"
#include "passes/tile/TileCost.h"

#include <string>

namespace sinter {

/// On the module, an array of pairs [skeleton, #tile.config]: tiles that were
/// measured on this machine and go before the rules.
inline constexpr llvm::StringLiteral kTunedTilesAttr = "sinter.tuned_tiles";

/// The facts of a chip that tiles depend on.
TileTarget tileTarget(TargetAttr target);

/// What the rules choose for steps of up to `tokens` tokens.
TileChoice chooseTile(mlir::Attribute skeleton, const TileTarget &target,
                      uint64_t tokens);

/// Why that and no other, in a line; empty for classes without a tile.
std::string tileReason(mlir::Attribute skeleton, const TileTarget &target,
                       uint64_t tokens);

tile::ConfigAttr configOf(const TileChoice &choice, mlir::MLIRContext *context);

} // namespace sinter

#endif // SINTER_PASSES_TILE_KERNELTILE_H
