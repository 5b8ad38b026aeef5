/// The lowerings of LowerToTile, one per kind of kernel. Each either replaces
/// the group by a launch, or leaves it and says why.
#ifndef SINTER_PASSES_TILE_LOWERGROUP_H
#define SINTER_PASSES_TILE_LOWERGROUP_H

#include "passes/tile/OpGroup.h"
#include "passes/tile/TileBuilder.h"

#include <optional>

namespace sinter {

/// Empty: done. Otherwise why the group is no such kernel.
using NotLowered = std::optional<std::string>;

/// matmul (joined, gated, quantised output), and embed.
NotLowered lowerMatmul(OpGroup &group, TileBuilder &tile);
/// One matmul of a group whose other ops have kernels of their own, called
/// `label` in profiles; its result.
mlir::Value launchMatmul(OpGroup &group, TileBuilder &tile, MatmulOp matmul,
                         llvm::StringRef label);
NotLowered lowerEmbed(OpGroup &group, TileBuilder &tile);
/// rms_norm, with a residual sum before it and quantisation after.
NotLowered lowerNorm(OpGroup &group, TileBuilder &tile);
/// unit_norm alone.
NotLowered lowerUnitNorm(OpGroup &group, TileBuilder &tile);
/// add, swiglu, select_rows, quantize.
NotLowered lowerElementwise(OpGroup &group, TileBuilder &tile);
/// Head norms, rope and cache_write.
NotLowered lowerHeads(OpGroup &group, TileBuilder &tile);
NotLowered lowerAttention(OpGroup &group, TileBuilder &tile);
/// embed_rows, pool and softmax.
NotLowered lowerPooling(OpGroup &group, TileBuilder &tile);
/// route, expert_matmul, combine, gate_rows; or a whole mixture of experts.
NotLowered lowerExperts(OpGroup &group, TileBuilder &tile);
/// Convolutions and scans with their states, in place or as rows.
NotLowered lowerRecurrent(OpGroup &group, TileBuilder &tile);
/// rms_norm or grouped_norm with a gate.
NotLowered lowerGatedNorm(OpGroup &group, TileBuilder &tile);
/// head_matmul, latent_write, latent_attention and join_heads.
NotLowered lowerLatent(OpGroup &group, TileBuilder &tile);
/// head_columns and fold.
NotLowered lowerColumns(OpGroup &group, TileBuilder &tile);

} // namespace sinter

#endif // SINTER_PASSES_TILE_LOWERGROUP_H
