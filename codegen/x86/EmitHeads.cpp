/// Emits what happens to the heads of one step before attention: head norm,
/// rotation, and the write of keys and values into the cache.
#include "codegen/x86/Bf16.h"
#include "codegen/x86/CacheBytes.h"
#include "codegen/x86/CachePage.h"
#include "codegen/x86/RmsNorm.h"
#include "codegen/x86/Skeletons.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

namespace {

class HeadsEmitter {
public:
  HeadsEmitter(KernelBuilder &builder, HeadsAttr attr)
      : k(builder), heads(attr), page{.heads = attr.getCacheHeads(),
                                      .keyWidth = attr.getKeyWidth(),
                                      .valueWidth = attr.getValueWidth(),
                                      .pageTokens = attr.getPageTokens(),
                                      .element = attr.getCacheElement()} {}

  void emit();

private:
  void loadOperands();
  void emitQuery(Value token, Value head);
  void emitCacheHead(Value token, Value head);
  void loadHead(Value source, Value normWeight);
  void rotate(Value token);
  void rotatePairs(Value angles, unsigned lanes, Value pair);
  void writeKey(Value page, Value inPage, Value head);
  void writeValue(Value source, Value page, Value inPage, Value head);
  void writeKeyPairs(Value block, Value inPage);
  void writeValuePairs(Value source, Value values, Value inPage);
  Value toCache(Value v);

  KernelBuilder &k;
  HeadsAttr heads;
  CachePage page;
  Value query, queryNorm, key, keyNorm, value, angles, output;
  CachePool pool;
  Value work;  ///< the head in hand, float32[keyWidth]
  Value bytes; ///< and, where a cache has bytes, its or a value's
};

} // namespace

void HeadsEmitter::loadOperands() {
  unsigned next = 0;
  auto take = [&](bool present) {
    return present ? k.operand(next++) : Value();
  };
  query = take(heads.getQueryHeads());
  queryNorm = take(heads.getQueryNorm());
  key = take(heads.getCacheHeads());
  keyNorm = take(heads.getKeyNorm());
  value = take(heads.getCacheHeads());
  angles = take(heads.getRotary());
  if (Value cache = take(heads.getCacheHeads()))
    pool = CachePool::of(k, cache, heads.getRing());
  output = take(heads.getQueryHeads());
  work = k.scratch(heads.getKeyWidth() * 4);
  if (page.bytes())
    bytes = k.scratch(std::max(heads.getKeyWidth(), heads.getValueWidth()));
}

void HeadsEmitter::emit() {
  loadOperands();
  unsigned each = heads.getQueryHeads() + heads.getCacheHeads();
  k.loop(k.begin(), k.end(), 1, [&](Value item) {
    Value token = k.div(item, each), head = k.rem(item, each);
    if (!heads.getCacheHeads())
      return emitQuery(token, head);
    if (!heads.getQueryHeads())
      return emitCacheHead(token, head);
    Value isQuery = k.less(head, k.index(heads.getQueryHeads()));
    k.when(
        isQuery, [&] { emitQuery(token, head); },
        [&] {
          emitCacheHead(token, k.add(head, -int(heads.getQueryHeads())));
        });
  });
}

/// The head at `source` into the work space, normed if there is a weight.
void HeadsEmitter::loadHead(Value source, Value normWeight) {
  unsigned width = heads.getKeyWidth(), lanes = k.lanesFor(width);
  auto type = k.vec(lanes, k.f32());
  if (!normWeight) {
    k.loop(k.index(0), k.index(width * 4), lanes * 4, [&](Value offset) {
      k.store(k.load(type, k.at(source, offset)), k.at(work, offset));
    });
    return;
  }
  Value squares = sumOfSquares(k, source, Value(), Value(), width);
  Value inverse = inverseRms(k, squares, width,
                             heads.getEpsilon().getValueAsDouble(), lanes);
  k.loop(k.index(0), k.index(width * 4), lanes * 4, [&](Value offset) {
    k.store(normed(k, source, normWeight, offset, inverse, lanes),
            k.at(work, offset));
  });
}

/// Rotates `lanes` pairs from pair number `pair` on, in the work space.
void HeadsEmitter::rotatePairs(Value table, unsigned lanes, Value pair) {
  unsigned pairs = heads.getRotary() / 2;
  auto type = k.vec(lanes, k.f32());
  Value cosine = k.load(type, k.at(table, k.mul(pair, 4)));
  Value sine = k.load(type, k.at(table, k.mul(pair, 4)), pairs * 4);
  auto turn = [&](Value x, Value y) {
    Value first = k.subf(k.mulf(x, cosine), k.mulf(y, sine));
    Value second = k.addf(k.mulf(x, sine), k.mulf(y, cosine));
    return std::pair(first, second);
  };
  if (heads.getNeox()) {
    Value low = k.at(work, k.mul(pair, 4));
    auto [x, y] = turn(k.load(type, low), k.load(type, low, pairs * 4));
    k.store(x, low);
    k.store(y, low, pairs * 4);
    return;
  }
  SmallVector<int64_t> even, odd, joined;
  for (unsigned i = 0; i < lanes; ++i) {
    even.push_back(2 * i);
    odd.push_back(2 * i + 1);
    joined.append({i, lanes + i});
  }
  Value place = k.at(work, k.mul(pair, 8));
  Value both = k.load(k.vec(2 * lanes, k.f32()), place);
  auto [x, y] = turn(k.shuffle(both, both, even), k.shuffle(both, both, odd));
  k.store(k.shuffle(x, y, joined), place);
}

void HeadsEmitter::rotate(Value token) {
  if (!heads.getRotary())
    return;
  unsigned pairs = heads.getRotary() / 2;
  unsigned lanes = k.lanesFor(pairs);
  Value table = k.at(angles, k.mul(token, pairs * 8));
  k.loop(k.index(0), k.index(pairs), lanes,
         [&](Value pair) { rotatePairs(table, lanes, pair); });
}

void HeadsEmitter::emitQuery(Value token, Value head) {
  unsigned width = heads.getKeyWidth(), lanes = k.lanesFor(width);
  Value inRow = k.mul(head, width * 4);
  loadHead(k.at(k.at(query, k.mul(token, heads.getQueryStride() * 4)), inRow),
           queryNorm);
  rotate(token);
  Value out =
      k.at(k.at(output, k.mul(token, heads.getOutputStride() * 4)), inRow);
  auto type = k.vec(lanes, k.f32());
  k.loop(k.index(0), k.index(width * 4), lanes * 4, [&](Value offset) {
    k.store(k.load(type, k.at(work, offset)), k.at(out, offset));
  });
}

Value HeadsEmitter::toCache(Value v) {
  if (!page.element.isF16())
    return v;
  Type type = k.ops().getF16Type();
  if (auto vector = dyn_cast<VectorType>(v.getType()))
    type = k.vec(vector.getNumElements(), type);
  return k.ops().create<arith::TruncFOp>(type, v);
}

void HeadsEmitter::writeKey(Value pageAt, Value inPage, Value head) {
  unsigned size = page.elementBytes(), width = heads.getKeyWidth();
  Value block = k.mul(k.div(inPage, kKeyBlock), width * kKeyBlock * size);
  Value blockAt = k.at(page.keys(k, pageAt, head), block);
  if (page.pairs())
    return writeKeyPairs(blockAt, inPage);
  Value place = k.at(blockAt, k.mul(k.rem(inPage, kKeyBlock), size));
  k.loop(k.index(0), k.index(width), 1, [&](Value d) {
    Value x = k.load(k.f32(), k.at(work, k.mul(d, 4)));
    k.store(toCache(x), k.at(place, k.mul(d, kKeyBlock * size)));
  });
}

void HeadsEmitter::writeValue(Value source, Value pageAt, Value inPage,
                              Value head) {
  unsigned size = page.elementBytes(), width = heads.getValueWidth();
  unsigned lanes = k.lanesFor(width);
  if (page.pairs())
    return writeValuePairs(source, page.values(k, pageAt, head), inPage);
  Value place = k.at(page.values(k, pageAt, head), k.mul(inPage, width * size));
  k.loop(k.index(0), k.index(width), lanes, [&](Value d) {
    Value x = k.load(k.vec(lanes, k.f32()), k.at(source, k.mul(d, 4)));
    k.store(toCache(x), k.at(place, k.mul(d, size)));
  });
}

void HeadsEmitter::writeKeyPairs(Value block, Value inPage) {
  Value place = k.at(block, k.mul(k.rem(inPage, kKeyBlock), 4));
  k.loop(k.index(0), k.index(heads.getKeyWidth() / 2), 1, [&](Value pair) {
    Value both = k.load(k.vec(2, k.f32()), k.at(work, k.mul(pair, 8)));
    k.store(toBf16(k, both), k.at(place, k.mul(pair, kKeyBlock * 4)));
  });
}

/// Its neighbour's values lie between a token's, and another thread may write
/// those now, so nothing but its own bytes is stored.
void HeadsEmitter::writeValuePairs(Value source, Value values, Value inPage) {
  unsigned width = heads.getValueWidth(), lanes = k.lanesFor(width);
  Type i16 = k.ops().getI16Type();
  Value isOdd = k.equal(k.rem(inPage, 2), k.index(1));
  SmallVector<bool> even, odd;
  SmallVector<int64_t> twice;
  for (unsigned i = 0; i < 2 * lanes; ++i) {
    even.push_back(i % 2 == 0);
    odd.push_back(i % 2 == 1);
    twice.push_back(i / 2);
  }
  auto mask = [&](ArrayRef<bool> bits) -> Value {
    auto type = k.vec(2 * lanes, k.ops().getI1Type());
    return k.ops().create<arith::ConstantOp>(
        DenseElementsAttr::get(type, bits));
  };
  Value own = k.ops().create<arith::SelectOp>(isOdd, mask(odd), mask(even));
  Value place = k.at(values, k.mul(k.div(inPage, 2), width * 4));
  k.loop(k.index(0), k.index(width), lanes, [&](Value d) {
    Value x = k.load(k.vec(lanes, k.f32()), k.at(source, k.mul(d, 4)));
    Value halves = k.bitcast(toBf16(k, x), k.vec(lanes, i16));
    k.ops().create<LLVM::MaskedStoreOp>(k.shuffle(halves, halves, twice),
                                        k.at(place, k.mul(d, 4)), own, 2);
  });
}

void HeadsEmitter::emitCacheHead(Value token, Value head) {
  Value keyRow = k.at(key, k.mul(token, heads.getKeyStride() * 4));
  loadHead(k.at(keyRow, k.mul(head, heads.getKeyWidth() * 4)), keyNorm);
  rotate(token);
  Value position = k.position(token);
  Value pageAt = pool.page(k, k.slot(token), k.div(position, page.pageTokens),
                           page.pageBytes());
  Value inPage = k.rem(position, page.pageTokens);
  Value valueRow = k.at(value, k.mul(token, heads.getValueStride() * 4));
  Value source = k.at(valueRow, k.mul(head, heads.getValueWidth() * 4));
  if (page.bytes()) {
    CachePlace place{pageAt, head, inPage};
    writeKeyBytes(k, page, work, place, bytes);
    return writeValueBytes(k, page, source, place, bytes);
  }
  writeKey(pageAt, inPage, head);
  writeValue(source, pageAt, inPage, head);
}

llvm::Error x86::emitHeads(KernelBuilder &k, KernelOp kernel) {
  auto heads = cast<HeadsAttr>(kernel.getSkeleton());
  if (heads.getCacheHeads() && heads.getPageTokens() % kKeyBlock)
    return llvm::createStringError(
        "cache pages of %u tokens; expected a multiple of %u",
        heads.getPageTokens(), kKeyBlock);
  if (heads.getCacheElement().isBF16() && !k.isa().bf16Dot)
    return bf16CacheError();
  if (heads.getRotary() > heads.getKeyWidth() || heads.getRotary() % 2)
    return llvm::createStringError("rotates %u of %u elements of a head",
                                   heads.getRotary(), heads.getKeyWidth());
  HeadsEmitter(k, heads).emit();
  return llvm::Error::success();
}
