/// Emits the write of latent rows into the cache.
#include "codegen/x86/CachePage.h"
#include "codegen/x86/Skeletons.h"
#include "dialects/tile/Latent.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

/// `width` float32 from `from` on as numbers of the cache.
static void store(KernelBuilder &k, const CachePage &page, Value from, Value to,
                  unsigned width) {
  unsigned lanes = k.lanesFor(width);
  k.loop(k.index(0), k.index(width), lanes, [&](Value column) {
    Value x = k.load(k.vec(lanes, k.f32()), k.at(from, k.mul(column, 4)));
    if (page.element.isF16())
      x = k.ops().create<arith::TruncFOp>(k.vec(lanes, page.element), x);
    k.store(x, k.at(to, k.mul(column, page.elementBytes())));
  });
}

llvm::Error x86::emitLatentWrite(KernelBuilder &k, KernelOp kernel) {
  auto write = cast<LatentWriteAttr>(kernel.getSkeleton());
  unsigned rank = write.getRank(), rotary = write.getRotary();
  CachePage page{.heads = 1,
                 .keyWidth = rank + rotary,
                 .valueWidth = 0,
                 .pageTokens = write.getPageTokens(),
                 .element =
                     write.getCacheF16() ? Type(k.ops().getF16Type()) : k.f32(),
                 .latent = true};
  Value latent = k.operand(0), rotated = k.operand(1);
  CachePool pool = CachePool::of(k, k.operand(2), /*ring=*/false);
  k.loop(k.begin(), k.end(), 1, [&](Value token) {
    Value position = k.position(token);
    Value place = pool.page(k, k.slot(token), k.div(position, page.pageTokens),
                            page.pageBytes());
    place = k.at(place, k.mul(k.rem(position, page.pageTokens),
                              page.keyWidth * page.elementBytes()));
    auto row = [&](Value rows, unsigned stride) {
      return k.at(rows, k.mul(token, int64_t(stride) * 4));
    };
    store(k, page, row(latent, write.getLatentStride()), place, rank);
    store(k, page, row(rotated, write.getRotatedStride()),
          k.at(place, int64_t(rank) * page.elementBytes()), rotary);
  });
  return llvm::Error::success();
}
