/// The tile of a kernel, its reason, and what else it might have been: from the
/// kernel's class and the chip's facts to the rules of TileCost.h and back.
#ifndef SINTER_PASSES_TILE_KERNELTILE_H
#define SINTER_PASSES_TILE_KERNELTILE_H

#include "dialects/tile/Tile.h"
#include "passes/tile/GpuAttentionCost.h"
#include "passes/tile/TileCost.h"

#include <string>

namespace sinter {

/// On the module, an array of triples [skeleton, tokens, #tile.config]: tiles
/// that were measured on this machine and go before the rules. `tokens` are
/// those of the largest step that calls the kernel.
inline constexpr llvm::StringLiteral kTunedTilesAttr = "sinter.tuned_tiles";

/// The facts of a chip that tiles depend on.
TileTarget tileTarget(TargetAttr target);

/// What the cost of attention on a GPU depends on.
GpuAttention gpuAttentionOf(tile::AttentionAttr attention);

/// What the rules choose for steps of up to `tokens` tokens.
TileChoice chooseTile(mlir::Attribute skeleton, const TileTarget &target,
                      uint64_t tokens);

/// Why that and no other, in a line; empty for classes without a tile.
std::string tileReason(mlir::Attribute skeleton, const TileTarget &target,
                       uint64_t tokens);

/// What else may be measured; empty for classes without a tile.
std::vector<TileChoice> tileCandidates(mlir::Attribute skeleton,
                                       const TileTarget &target,
                                       uint64_t tokens);

/// The tile of kTunedTilesAttr for a kernel; null if it has none.
tile::ConfigAttr tunedTile(mlir::ArrayAttr tuned, mlir::Attribute skeleton,
                           uint64_t tokens);

tile::ConfigAttr configOf(const TileChoice &choice, mlir::MLIRContext *context);

} // namespace sinter

#endif // SINTER_PASSES_TILE_KERNELTILE_H
