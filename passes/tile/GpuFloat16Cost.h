/// What products of 16-bit weights (F16, BF16) cost on a GPU's matrix units:
/// the parts of the model in GpuTileCost.h that are theirs.
#ifndef SINTER_PASSES_TILE_GPUFLOAT16COST_H
#define SINTER_PASSES_TILE_GPUFLOAT16COST_H

#include "passes/tile/TileCost.h"

#include <vector>

namespace sinter {

/// Whether matrix units multiply it, then in every regime: the order of their
/// sums is their own, and a token's must be the same alone and among many.
bool takesFloat16Units(const TileTarget &target, const GemmShape &shape);

/// Tiles that the kernels can have.
std::vector<TileChoice> float16Candidates(const GemmShape &shape);

/// Bytes of weights that a block of such a tile keeps on their way.
double float16Flight(const GemmShape &shape, const TileChoice &choice);

/// Blocks that a multiprocessor works on at once.
unsigned float16Blocks(const TileChoice &choice);

/// Seconds of a product when all multiprocessors have work.
double float16ProductSeconds(const TileTarget &target, const GemmShape &shape,
                             const TileChoice &choice);

/// The tile of products by expert or head, of which each has `density` rows.
TileChoice chooseFloat16Grouped(const GemmShape &shape, uint64_t density);

/// Why lanes are not asked.
extern const char *const kFloat16Reason;

} // namespace sinter

#endif // SINTER_PASSES_TILE_GPUFLOAT16COST_H
