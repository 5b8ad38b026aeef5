/// What a tile costs, as arithmetic on plain numbers: no IR, so that the rules
/// can be tested alone.
#ifndef SINTER_PASSES_TILE_TILECOST_H
#define SINTER_PASSES_TILE_TILECOST_H

#include <cstdint>
#include <string>
#include <vector>

namespace sinter {

/// What a GPU does in a second; no bandwidth: the chip is none.
struct GpuRates {
  double bandwidth = 0;         ///< bytes of its memory
  double clock = 0;             ///< cycles
  double float32 = 0, int8 = 0; ///< operations, two for a multiply-add
  bool mma = false;             ///< has tiles of 16x8x32 bytes
  double fp4 = 0;               ///< operations on 4-bit floats
  bool wgmma = false;           ///< four warps can multiply together
  double f16 = 0, bf16 = 0;     ///< and on those of 16 bits
};

/// Facts of the chip that tiles depend on.
struct TileTarget {
  unsigned registers = 16; ///< vector registers
  unsigned cores = 1;
  uint64_t l2 = 1 << 20; ///< bytes per core
  unsigned prefetch = 0; ///< bytes that prefetches of weights run ahead
  GpuRates gpu = {};
};

/// One matrix product in one regime.
struct GemmShape {
  uint64_t weightRows = 0;
  uint64_t weightRowBytes = 0; ///< of one row of packed weights
  uint64_t inputRowBytes = 0;  ///< of one row of activations
  unsigned segments = 1;
  bool q8Output = false;
  bool decode = false;
  bool slices = false; ///< one row after the other
  uint64_t tokens = 1; ///< of the regime's largest step
  uint64_t width = 0;  ///< weights of a row
  bool plain = false;  ///< weights are floating-point numbers
  bool float4 = false; ///< weights and activations are 4-bit floats
  bool f16 = false;    ///< weights are what a GPU's units multiply as halves,
  bool bf16 = false;   ///< or as BF16
};

struct TileChoice {
  unsigned rowGroups = 1;
  unsigned tokens = 1;
  unsigned prefetch = 0;
  unsigned columns = 0;
  bool mma = false;   ///< a GPU's matrix units
  bool wgmma = false; ///< by four warps together
  bool operator==(const TileChoice &) const = default;
};

/// Row groups that an item must be a multiple of, so that it writes whole
/// blocks of 32 output columns where those are quantised together, and whole
/// turns of joined rows.
unsigned rowGroupStep(const GemmShape &shape);

/// Work items of a product; the last may be smaller.
uint64_t gemmItems(const GemmShape &shape, unsigned rowGroups);

/// Bytes that the slowest core moves: its share of the weights, and the step's
/// activations once for every item.
uint64_t gemmCost(const TileTarget &target, const GemmShape &shape,
                  unsigned rowGroups);

/// The cheapest tile; of equal ones, that with the most items.
TileChoice chooseGemm(const TileTarget &target, const GemmShape &shape);

/// Why chooseGemm() chooses as it does: what each candidate would move, and
/// what bounds the others.
std::string gemmReason(const TileTarget &target, const GemmShape &shape);

/// Tiles that a measurement may prefer to `chosen`: one number of it changed at
/// a time. All of them are right for the shape.
std::vector<TileChoice> groupedCandidates(const TileTarget &target,
                                          const GemmShape &shape,
                                          const TileChoice &chosen);
std::vector<TileChoice> gemmCandidates(const TileTarget &target,
                                       const GemmShape &shape,
                                       const TileChoice &chosen);
/// `sharing`: query heads of a cache head.
std::vector<TileChoice> attentionCandidates(unsigned sharing,
                                            const TileChoice &chosen);
std::vector<TileChoice> elementwiseCandidates(unsigned width,
                                              const TileChoice &chosen);

/// Matrix products by expert: `tokens` rows of `shape` go to `top` of `experts`
/// experts each. The token tile follows the rows per expert: assignments /
/// active experts, rounded up, and twice that, since experts differ; more would
/// only be code that never runs.
TileChoice chooseGrouped(const TileTarget &target, const GemmShape &shape,
                         uint64_t experts, uint64_t top);

/// Query heads of one cache head share its keys, so several tokens make one
/// register tile only where there are few such heads.
TileChoice chooseAttention(unsigned heads, unsigned cacheHeads);

/// A block of 32 is never divided between items.
TileChoice chooseElementwise(unsigned width);

} // namespace sinter

#endif // SINTER_PASSES_TILE_TILECOST_H
