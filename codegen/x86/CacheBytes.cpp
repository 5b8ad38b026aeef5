/// Emits the writes of a cache of bytes: all of a head's columns first, side by
/// side, then each to its place. Other tokens' bytes lie between a value's, and
/// another thread may write those now, so nothing else is stored.
#include "codegen/x86/CacheBytes.h"
#include "codegen/x86/E4m3.h"
#include "codegen/x86/RowWriter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

static void storeBytes(KernelBuilder &k, Value codes, Value to) {
  unsigned lanes = cast<VectorType>(codes.getType()).getNumElements();
  k.store(
      k.ops().create<arith::TruncIOp>(k.vec(lanes, k.ops().getI8Type()), codes),
      to);
}

/// `width` float32 as bytes at `to`; the token's scales go to `scales`, one
/// token's beside the next.
static void quantize(KernelBuilder &k, const CachePage &page, Value from,
                     unsigned width, Value to, Value scales) {
  unsigned lanes = k.lanesFor(width), step = page.scaled() ? 32 : lanes;
  k.loop(k.index(0), k.index(width), step, [&](Value column) {
    Values numbers;
    for (unsigned i = 0; i < step; i += lanes)
      numbers.push_back(
          k.load(k.vec(lanes, k.f32()), k.at(from, k.mul(column, 4)), i * 4));
    Value bytesAt = k.at(to, column);
    if (!page.scaled())
      return storeBytes(k, toE4m3(k, numbers[0]), bytesAt);
    ByteBlock block = toBytes(k, numbers);
    for (unsigned i = 0; i < block.codes.size(); ++i)
      storeBytes(k, block.codes[i], k.at(bytesAt, int64_t(i) * lanes));
    Value scale =
        k.ops().create<arith::TruncFOp>(k.ops().getF16Type(), block.scale);
    k.store(scale, k.at(scales, k.mul(k.div(column, 32), page.pageTokens * 2)));
  });
}

void x86::writeKeyBytes(KernelBuilder &k, const CachePage &page, Value from,
                        const CachePlace &place, Value space) {
  unsigned width = page.keyWidth;
  Value scales =
      k.at(page.keyScales(k, place.page, place.head), k.mul(place.inPage, 2));
  quantize(k, page, from, width, space, scales);
  Value block = k.mul(k.div(place.inPage, kKeyBlock), width * kKeyBlock);
  Value to = k.at(k.at(page.keys(k, place.page, place.head), block),
                  k.mul(k.rem(place.inPage, kKeyBlock), 4));
  k.loop(k.index(0), k.index(width / 4), 1, [&](Value word) {
    k.store(k.load(k.i32(), k.at(space, k.mul(word, 4))),
            k.at(to, k.mul(word, kKeyBlock * 4)));
  });
}

void x86::writeValueBytes(KernelBuilder &k, const CachePage &page, Value from,
                          const CachePlace &place, Value space) {
  unsigned width = page.valueWidth;
  Value scales =
      k.at(page.valueScales(k, place.page, place.head), k.mul(place.inPage, 2));
  quantize(k, page, from, width, space, scales);
  Value words = k.mul(k.div(place.inPage, 4), width * 4);
  Value to = k.at(k.at(page.values(k, place.page, place.head), words),
                  k.rem(place.inPage, 4));
  k.loop(k.index(0), k.index(width), 1, [&](Value column) {
    k.store(k.load(k.ops().getI8Type(), k.at(space, column)),
            k.at(to, k.mul(column, 4)));
  });
}
