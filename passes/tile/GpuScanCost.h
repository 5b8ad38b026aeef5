/// What the gated delta rule costs on a GPU: token by token, or in chunks whose
/// tokens matrix units multiply with each other. Plain arithmetic, as in
/// TileCost.h.
#ifndef SINTER_PASSES_TILE_GPUSCANCOST_H
#define SINTER_PASSES_TILE_GPUSCANCOST_H

#include "passes/tile/TileCost.h"

#include <cstdint>
#include <string>

namespace sinter {

struct GpuScan {
  unsigned heads = 1, keyWidth = 0, valueWidth = 0;
  unsigned block = 32; ///< columns of a block of the form by tokens
  unsigned chunk = 16; ///< tokens of the other one
};

/// Seconds that a step of so many tokens of one sequence takes.
double gpuScanSeconds(const TileTarget &target, const GpuScan &scan,
                      uint64_t tokens, bool chunked);

/// The fewest tokens of a step from which on chunks are faster; 0: there are
/// none up to 4096.
uint64_t gpuScanCrossing(const TileTarget &target, const GpuScan &scan);

/// Both times at one token and at 512, and where they cross.
std::string gpuScanReason(const TileTarget &target, const GpuScan &scan);

} // namespace sinter

#endif // SINTER_PASSES_TILE_GPUSCANCOST_H
