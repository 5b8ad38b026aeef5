/// Where a head's keys and values lie in a page of the KV cache (layout:
/// PlanState in runtime/ArtifactFormat.h), for the kernels that write and read
/// them.
#ifndef SINTER_CODEGEN_X86_CACHEPAGE_H
#define SINTER_CODEGEN_X86_CACHEPAGE_H

#include "codegen/x86/KernelBuilder.h"
#include "runtime/ArtifactFormat.h"

#include <cstddef>

namespace sinter::x86 {

/// Tokens whose keys are interleaved.
inline constexpr unsigned kKeyBlock = 16;

struct CachePage {
  unsigned heads, keyWidth, valueWidth, pageTokens;
  mlir::Type element;
  /// One row for each token, for all heads: its beginning is the value.
  bool latent = false;

  /// bfloat16, two columns of a key and two tokens' values side by side, as
  /// vdpbf16ps multiplies them.
  bool pairs() const { return element.isBF16(); }
  /// Four columns of a key and four tokens' values in a word.
  bool bytes() const { return isByteCache(element); }
  /// Signed bytes, a scale for 32 columns of each token.
  bool scaled() const { return isQ8Cache(element); }

  unsigned elementBytes() const {
    return bytes() ? 1 : element.getIntOrFloatBitWidth() / 8;
  }
  /// Of a head, without scales.
  uint64_t keyBytes() const {
    return uint64_t(keyWidth) * pageTokens * elementBytes();
  }
  uint64_t valueBytes() const {
    return uint64_t(valueWidth) * pageTokens * elementBytes();
  }
  uint64_t pageBytes() const {
    uint64_t numbers = uint64_t(keyWidth + valueWidth) * pageTokens * heads;
    return latent ? keyBytes() : cacheBytes(element, numbers);
  }
  /// From one token's value to the next.
  unsigned valueStride() const { return latent ? keyWidth : valueWidth; }

  /// Keys of `head`: [pageTokens / 16][keyWidth][16], in pairs [pageTokens /
  /// 16][keyWidth / 2][16][2], bytes [pageTokens / 16][keyWidth / 4][16][4];
  /// latent ones [pageTokens][keyWidth].
  Value keys(KernelBuilder &k, Value page, Value head) const {
    return latent ? page : k.at(page, k.mul(head, keyBytes()));
  }
  /// Values of `head`: [pageTokens][valueStride()], in pairs [pageTokens /
  /// 2][valueWidth][2], bytes [pageTokens / 4][valueWidth][4].
  Value values(KernelBuilder &k, Value page, Value head) const {
    if (latent)
      return page;
    return k.at(k.at(page, int64_t(keyBytes() * heads)),
                k.mul(head, valueBytes()));
  }
  /// Scales of the keys of `head`, behind all bytes: float16 [keyWidth /
  /// 32][pageTokens].
  Value keyScales(KernelBuilder &k, Value page, Value head) const {
    int64_t behind = (keyBytes() + valueBytes()) * heads;
    return k.at(k.at(page, behind), k.mul(head, keyBytes() / 16));
  }
  /// Scales of its values, behind those: float16 [valueWidth / 32][pageTokens].
  Value valueScales(KernelBuilder &k, Value page, Value head) const {
    int64_t behind = (keyBytes() + valueBytes() + keyBytes() / 16) * heads;
    return k.at(k.at(page, behind), k.mul(head, valueBytes() / 16));
  }
};

/// Where a state's pages lie: all sequences' by the step's block table, or in
/// rings of their own (CacheRing in runtime/ArtifactFormat.h).
struct CachePool {
  Value base, pages, blocks;

  static CachePool of(KernelBuilder &k, Value operand, bool ring) {
    if (!ring)
      return {operand, {}, {}};
    Type pointer = operand.getType();
    return {k.load(pointer, operand, offsetof(CacheRing, pool)),
            k.load(pointer, operand, offsetof(CacheRing, pages)),
            k.load(k.i64(), operand, offsetof(CacheRing, blocks))};
  }

  /// Page `block` (i64) of sequence `slot`, `bytes` each.
  Value page(KernelBuilder &k, Value slot, Value block, uint64_t bytes) const {
    if (!pages)
      return k.at(base, k.mul(k.page(slot, block), bytes));
    auto &ops = k.ops();
    Value inRing = ops.create<mlir::arith::RemUIOp>(block, blocks);
    Value row = ops.create<mlir::arith::MulIOp>(slot, blocks);
    Value number = k.loadIndex32(k.at(pages, k.mul(k.add(row, inRing), 4)));
    return k.at(base, k.mul(number, bytes));
  }
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_CACHEPAGE_H
