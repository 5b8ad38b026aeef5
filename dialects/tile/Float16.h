/// Which products of 16-bit weights a GPU's matrix units can do, and in which
/// tiles: known to who chooses tiles and to who prints kernels
/// (codegen/cuda/prelude/Float16Gemv.cuh and Float16Gemm.cuh).
#ifndef SINTER_DIALECTS_TILE_FLOAT16_H
#define SINTER_DIALECTS_TILE_FLOAT16_H

#include "dialects/formats/Format.h"

#include <cstdint>

namespace sinter {

/// Tiles of 16 columns, of which two are copied at a time, and rows of float32
/// one after the other, which begin where 16 bytes may be copied.
inline bool hasFloat16Units(const Format &format, uint64_t width,
                            uint64_t stride) {
  PlainType type = format.form.plain;
  return (type == PlainType::F16 || type == PlainType::BF16) &&
         width % 32 == 0 && stride == width;
}

/// Tokens of a tile whose columns the warps divide: few.
inline constexpr unsigned kFloat16FewTokens = 8;
/// Its row groups: those of which a warp's ring of 4 KiB has two stages.
inline constexpr bool isFewFloat16Tile(unsigned groups, unsigned tokens) {
  return tokens == kFloat16FewTokens &&
         (groups == 1 || groups == 2 || groups == 4);
}

/// Row groups of a warp in a tile that eight warps share, the most of 4, 2 and
/// 1 that leave every warp eight tokens or a multiple; 0: none does.
inline constexpr unsigned float16WarpGroups(unsigned groups, unsigned tokens) {
  for (unsigned each = 4; each; each /= 2)
    if (groups % each == 0 && groups >= each && 8 % (groups / each) == 0 &&
        tokens % (8 * (8 / (groups / each))) == 0)
      return each;
  return 0;
}

/// Bytes of two stages of 32 columns in shared memory.
inline constexpr uint64_t float16StageBytes(unsigned groups, unsigned tokens) {
  return 2 * (uint64_t(groups) * 16 * 32 * 2 + uint64_t(tokens) * 32 * 4);
}

/// Whether they fit what every GPU gives to a block, and the sums of half the
/// tile fit them.
inline constexpr bool isManyFloat16Tile(unsigned groups, unsigned tokens) {
  uint64_t stages = float16StageBytes(groups, tokens);
  return tokens > 0 && float16WarpGroups(groups, tokens) > 0 &&
         stages <= 48 << 10 && uint64_t(tokens) / 2 * groups * 64 <= stages;
}

} // namespace sinter

#endif // SINTER_DIALECTS_TILE_FLOAT16_H
