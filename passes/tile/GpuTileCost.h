/// What a matrix product costs on a GPU: between lanes that multiply four bytes
/// at a time, for few tokens, and matrix units, for many. Plain arithmetic, as
/// in TileCost.h.
#ifndef SINTER_PASSES_TILE_GPUTILECOST_H
#define SINTER_PASSES_TILE_GPUTILECOST_H

#include "passes/tile/TileCost.h"

#include <string>
#include <vector>

namespace sinter {

/// Seconds that a product takes in tiles of `choice`.
double gpuGemmSeconds(const TileTarget &target, const GemmShape &shape,
                      const TileChoice &choice);

/// Tiles that the kernels in codegen/cuda/prelude can have.
std::vector<TileChoice> gpuGemmCandidates(const TileTarget &target,
                                          const GemmShape &shape);

/// The fastest of them; of equal ones, the first.
TileChoice chooseGpuGemm(const TileTarget &target, const GemmShape &shape);

/// Products by expert, of which `top` of `experts` take each token: matrix
/// units where an active expert has rows enough to fill half a tile.
TileChoice chooseGpuGrouped(const TileTarget &target, const GemmShape &shape,
                            uint64_t experts, uint64_t top);

/// Why products of 4-bit floats have the tiles they have.
extern const char *const kFloat4Reason;

/// What the best tile of each kind would take.
std::string gpuGemmReason(const TileTarget &target, const GemmShape &shape);

} // namespace sinter

#endif // SINTER_PASSES_TILE_GPUTILECOST_H
