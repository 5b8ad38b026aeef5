/// The cost model of tiles on a GPU.
#include "passes/tile/GpuTileCost.h"

#include "passes/tile/GpuFloat16Cost.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <utility>

namespace sinter {

static constexpr uint64_t kGroupRows = 16;
/// dp4a: four products in each of 64 lanes of a multiprocessor a cycle. Scales
/// and the loads of activations take as many instructions again.
static constexpr double kLaneProducts = 64 * 4, kLaneShare = 0.5;
/// Of the matrix units' peak that mma.sync reaches, without the rescaling
/// (the project's reference, kernels.md 6.2: 0.85; 0.62 on an H100, whose own
/// instruction is another one).
static constexpr double kMmaShare = 0.62;
/// Instructions of a warp for 16 rows, 8 tokens and 32 products: four for each
/// lane's four sums, and the loads of codes and scales; and for 16 rows' codes
/// and factors. A multiprocessor issues four a cycle.
static constexpr double kTileIssues = 24, kDecodeIssues = 40, kIssues = 4;
static constexpr double kTileProducts = 16 * 8 * 32;
/// The same where four warps multiply together: the units fetch codes
/// themselves and give plain sums, of which each is converted, scaled twice and
/// given its addend (counted in the machine code of Q4_K: 150 for 64 tokens).
static constexpr double kWgmmaIssues = 19;
/// Of the peak that these products reach (kernels.md 6.2).
static constexpr double kWgmmaShare = 0.75;
/// Bytes a cycle that a multiprocessor gets from the second cache: half of what
/// its port is wide.
static constexpr double kCachePort = 32;
/// Beginning and ending a block, during which it moves nothing.
static constexpr double kBlockSeconds = 0.5e-6;
/// Blocks of 256 threads that a multiprocessor works on at once.
static constexpr unsigned kLaneBlocks = 4, kMmaBlocks = 2;
/// Bytes of shared memory that a block has without asking for more, and of an
/// activation's stage at most (codegen/cuda/prelude/MmaGemm.cuh: two of them).
static constexpr uint64_t kShared = 48 << 10, kStageBytes = 2 * 112;
/// Eight tokens of lanes would spill on sm_86 and sm_89.
static constexpr unsigned kLaneTokens = 4, kWarps = 8, kStreams = 16;
static constexpr unsigned kUnit = 32;

static uint64_t ceilDiv(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

/// Blocks that a multiprocessor works on at once.
static double residentBlocks(const TileTarget &target, const GemmShape &shape,
                             const TileChoice &choice) {
  if (choice.mma && takesFloat16Units(target, shape))
    return float16Blocks(choice);
  return choice.mma ? kMmaBlocks : kLaneBlocks;
}

/// Bytes of weights that a block keeps on their way: a unit of each row group,
/// or of each of sixteen streams four for one token and two or one for more.
static double flightOf(const TileTarget &target, const GemmShape &shape,
                       const TileChoice &choice) {
  if (choice.mma && takesFloat16Units(target, shape))
    return float16Flight(shape, choice);
  double ofStreams = choice.mma ? 2 : choice.tokens > 1 ? 1 : 4;
  double units = shape.float4 ? choice.rowGroups * 2.0 * kWarps *
                                    (choice.tokens > 8 ? 1 : 4)
                 : choice.mma && !shape.decode ? choice.rowGroups
                                               : ofStreams * kStreams;
  return units * double(kGroupRows * shape.weightRowBytes) * kUnit /
         double(std::max<uint64_t>(shape.width, kUnit));
}

/// The part of the memory's bandwidth that the loads on their way can ask for:
/// a byte comes after some 0.7 us (kernels.md, 4.1).
static double bandwidthShare(const TileTarget &target, const GemmShape &shape,
                             const TileChoice &choice, double blocks) {
  constexpr double kLatency = 0.7e-6;
  double resident =
      std::min(target.cores * residentBlocks(target, shape, choice), blocks);
  return std::min(1.0, resident * flightOf(target, shape, choice) /
                           (target.gpu.bandwidth * kLatency));
}

/// Seconds that a product takes when all multiprocessors have work.
static double productSeconds(const TileTarget &target, const GemmShape &shape,
                             const TileChoice &choice) {
  const GpuRates &gpu = target.gpu;
  if (!choice.mma)
    return 1 / (kLaneProducts * kLaneShare * gpu.clock * target.cores);
  if (shape.float4)
    return 2 / (gpu.fp4 * kMmaShare);
  if (takesFloat16Units(target, shape))
    return float16ProductSeconds(target, shape, choice);
  // Where warps divide the columns, each has a row group and all tokens.
  if (choice.wgmma) {
    double tiles = choice.tokens / 8.0;
    double issues =
        (kWgmmaIssues * tiles + kDecodeIssues) / (kTileProducts * tiles);
    return std::max(2 / (gpu.int8 * kWgmmaShare),
                    issues / (kIssues * gpu.clock * target.cores));
  }
  unsigned rowWarps = shape.decode ? kWarps : choice.rowGroups / 2;
  double groups = rowWarps && !shape.decode ? 2 : 1; // of a warp
  double tiles = choice.tokens / (8.0 * kWarps / std::max(1u, rowWarps));
  double issues = (kTileIssues * tiles * groups + kDecodeIssues * groups) /
                  (kTileProducts * tiles * groups);
  return std::max(2 / (gpu.int8 * kMmaShare),
                  issues / (kIssues * gpu.clock * target.cores));
}

/// Bytes that all blocks load: each tile of tokens the weights, each block the
/// activations.
static double cacheBytes(const GemmShape &shape, const TileChoice &choice) {
  return double(shape.weightRows * shape.weightRowBytes) *
             double(ceilDiv(shape.tokens, choice.tokens)) +
         double(shape.tokens * shape.inputRowBytes) *
             double(gemmItems(shape, choice.rowGroups));
}

double gpuGemmSeconds(const TileTarget &target, const GemmShape &shape,
                      const TileChoice &choice) {
  const GpuRates &gpu = target.gpu;
  double tiles = double(ceilDiv(shape.tokens, choice.tokens));
  double parts = double(gemmItems(shape, choice.rowGroups));
  bool tiled = choice.mma && (shape.float4 || !shape.decode);
  double blocks = tiled ? parts * tiles : parts;
  double weights = double(shape.weightRows * shape.weightRowBytes);
  // Every tile reads the weights, the first of them from memory. Tiles that
  // follow each other in one block find them in the cache if they fit it.
  double l2 = double(target.l2) * target.cores; // which is a core's share
  bool cached = choice.mma || weights < l2 / 2;
  double memory =
      weights * (cached ? 1 : tiles) /
      (gpu.bandwidth * bandwidthShare(target, shape, choice, blocks));
  double cache =
      cacheBytes(shape, choice) / (kCachePort * gpu.clock * target.cores);
  double products =
      double(shape.weightRows * shape.width) * tiles * choice.tokens;
  // The last wave of blocks fills a part of the chip.
  double idle =
      double(ceilDiv(uint64_t(blocks), target.cores)) * target.cores / blocks;
  double resident = target.cores * residentBlocks(target, shape, choice);
  return std::max({memory, cache * idle,
                   products * productSeconds(target, shape, choice) * idle}) +
         kBlockSeconds * std::max(1.0, blocks / resident);
}

/// Warps that share a token tile must have eight tokens each, and the tile's
/// sums and stages must fit.
static bool fitsMma(unsigned rowGroups, unsigned tokens) {
  unsigned rowWarps = rowGroups / (rowGroups % 2 ? 1 : 2);
  return kWarps % rowWarps == 0 && tokens % (8 * (kWarps / rowWarps)) == 0 &&
         tokens * (4 * kGroupRows * rowGroups + kStageBytes) <= kShared;
}

/// Few tokens: narrow tiles, of whose loads many are on their way. Many: what
/// the registers of a warp hold, since what a block loads grows with the sides
/// of its tile and what it multiplies with their product.
static std::vector<TileChoice> float4Candidates(const GemmShape &shape) {
  std::vector<TileChoice> candidates;
  for (unsigned groups = rowGroupStep(shape); groups <= 4; groups *= 2)
    for (unsigned tokens : {8u, 16u, 32u, 64u}) {
      TileChoice units;
      units.rowGroups = groups;
      units.tokens = tokens;
      units.mma = true;
      candidates.push_back(units);
    }
  return candidates;
}

std::vector<TileChoice> gpuGemmCandidates(const TileTarget &target,
                                          const GemmShape &shape) {
  if (shape.float4)
    return float4Candidates(shape);
  if (takesFloat16Units(target, shape))
    return float16Candidates(shape);
  std::vector<TileChoice> candidates;
  unsigned step = rowGroupStep(shape);
  for (unsigned groups = step; groups <= 4 * step; groups *= 2) {
    TileChoice lanes;
    lanes.rowGroups = groups;
    lanes.tokens = std::min<uint64_t>(kLaneTokens, shape.tokens);
    candidates.push_back(lanes);
  }
  if (!target.gpu.mma || shape.plain)
    return candidates;
  if (shape.decode) {
    for (TileChoice units : std::vector(candidates)) {
      units.tokens = shape.tokens > 8 ? 16 : 8;
      units.mma = true;
      candidates.push_back(units);
    }
    return candidates;
  }
  for (unsigned groups = step; groups <= 16; groups *= 2)
    for (unsigned tokens : {16u, 32u, 64u})
      if (fitsMma(groups, tokens)) {
        TileChoice units;
        units.rowGroups = groups;
        units.tokens = tokens;
        units.mma = true;
        candidates.push_back(units);
      }
  // A row group for each of eight warps, and 64 tokens (WgmmaGemm.cuh).
  if (target.gpu.wgmma && kWarps % step == 0) {
    TileChoice units;
    units.rowGroups = kWarps;
    units.tokens = 64;
    units.mma = units.wgmma = true;
    candidates.push_back(units);
  }
  return candidates;
}

/// The fastest candidate of a kind; no rows: there is none.
enum class Kind { Lanes, Mma, Wgmma };
static Kind kindOf(const TileChoice &choice) {
  return choice.wgmma ? Kind::Wgmma : choice.mma ? Kind::Mma : Kind::Lanes;
}
static TileChoice fastest(const TileTarget &target, const GemmShape &shape,
                          Kind kind) {
  TileChoice best;
  best.rowGroups = 0;
  double least = 0;
  for (const TileChoice &choice : gpuGemmCandidates(target, shape)) {
    if (kindOf(choice) != kind)
      continue;
    double seconds = gpuGemmSeconds(target, shape, choice);
    if (best.rowGroups == 0 || seconds < least) {
      best = choice;
      least = seconds;
    }
  }
  return best;
}

/// The model is not worth more than 5 %: of tiles of many tokens that differ by
/// less, the one whose blocks load the least.
static TileChoice fastestFloat16(const TileTarget &target,
                                 const GemmShape &shape) {
  TileChoice best = fastest(target, shape, Kind::Mma);
  if (shape.decode)
    return best;
  double enough = 1.05 * gpuGemmSeconds(target, shape, best);
  for (const TileChoice &choice : gpuGemmCandidates(target, shape))
    if (gpuGemmSeconds(target, shape, choice) <= enough &&
        cacheBytes(shape, choice) < cacheBytes(shape, best))
      best = choice;
  return best;
}

const char *const kFloat4Reason =
    "weights and activations are 4-bit floats, which matrix units multiply";

TileChoice chooseGpuGemm(const TileTarget &target, const GemmShape &shape) {
  if (shape.float4)
    return fastest(target, shape, Kind::Mma);
  if (takesFloat16Units(target, shape))
    return fastestFloat16(target, shape);
  TileChoice lanes = fastest(target, shape, Kind::Lanes);
  TileChoice units = fastest(target, shape, Kind::Mma);
  TileChoice groups = fastest(target, shape, Kind::Wgmma);
  if (groups.rowGroups && gpuGemmSeconds(target, shape, groups) <
                              gpuGemmSeconds(target, shape, units))
    units = groups;
  // The model is not worth more than 5 %, and lanes waste nothing on padding.
  bool useUnits =
      units.rowGroups && gpuGemmSeconds(target, shape, units) <
                             0.95 * gpuGemmSeconds(target, shape, lanes);
  return useUnits ? units : lanes;
}

TileChoice chooseGpuGrouped(const TileTarget &target, const GemmShape &shape,
                            uint64_t experts, uint64_t top) {
  uint64_t assignments = std::max<uint64_t>(1, shape.tokens * top);
  uint64_t density = ceilDiv(assignments, std::min(assignments, experts));
  if (shape.float4) {
    GemmShape each = shape;
    each.tokens = density;
    return fastest(target, each, Kind::Mma);
  }
  if (takesFloat16Units(target, shape))
    return chooseFloat16Grouped(shape, density);
  TileChoice choice = chooseGrouped(target, shape, experts, top);
  choice.tokens = std::min<uint64_t>(choice.tokens, kLaneTokens);
  // 64 weight rows and 32 or 64 tokens: two warps of rows, four of tokens.
  constexpr unsigned kGroups = 4, kTokens = 32;
  if (!target.gpu.mma || shape.plain || 2 * density < kTokens ||
      kGroups % rowGroupStep(shape))
    return choice;
  choice.mma = true;
  choice.rowGroups = kGroups;
  choice.tokens = density > kTokens ? 2 * kTokens : kTokens;
  return choice;
}

std::string gpuGemmReason(const TileTarget &target, const GemmShape &shape) {
  if (shape.float4)
    return kFloat4Reason;
  if (takesFloat16Units(target, shape)) {
    TileChoice best = fastestFloat16(target, shape);
    char text[160];
    std::snprintf(text, sizeof(text),
                  "%llu tokens: matrix units (mma), the best of %zu tiles %.1f "
                  "us; ",
                  static_cast<unsigned long long>(shape.tokens),
                  float16Candidates(shape).size(),
                  gpuGemmSeconds(target, shape, best) * 1e6);
    return std::string(text) + kFloat16Reason;
  }
  std::string reason = std::to_string(shape.tokens) + " tokens: ";
  const std::pair<Kind, const char *> kinds[] = {
      {Kind::Lanes, "lanes (dp4a)"},
      {Kind::Mma, ", matrix units (mma)"},
      {Kind::Wgmma, ", by four warps (wgmma)"}};
  bool units = false;
  for (auto [kind, name] : kinds) {
    TileChoice best = fastest(target, shape, kind);
    if (!best.rowGroups)
      continue;
    char text[80];
    std::snprintf(text, sizeof(text), "%s %.1f us", name,
                  gpuGemmSeconds(target, shape, best) * 1e6);
    reason += text;
    units = units || best.mma;
  }
  if (units)
    return reason;
  if (shape.plain)
    return reason + ", the only kernel of such weights";
  return reason + (target.gpu.mma ? ", no tile of matrix units fits"
                                  : ", the chip has no mma of 16x8x32 bytes");
}

} // namespace sinter
