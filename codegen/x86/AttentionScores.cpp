/// Emits the scores of attention: products of a pass's queries with the keys of
/// one page, scaled, capped, biased by distance, and -inf where a row sees no
/// key.
#include "codegen/x86/AttentionEmitter.h"
#include "codegen/x86/HoleBody.h"
#include "codegen/x86/RowScores.h"

#include "llvm/ADT/bit.h"

#include <numbers>
#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

/// Minus the slope of a head: 2^(-bias / n · (h + 1)) for the first n, a power
/// of two; heads beyond get those halfway between (arXiv 2108.12409).
Value AttentionEmitter::slopeOf(Value head) {
  double bias = attention.getAlibi().getValueAsDouble();
  unsigned whole = llvm::bit_floor(attention.getHeads());
  double step = bias / whole;
  auto &ops = k.ops();
  auto times = [&](Value number, double factor) -> Value {
    Value wide = k.splat(ops.create<arith::SIToFPOp>(k.f32(), number), 1);
    return k.mulf(wide, k.constant(1, float(-factor * std::numbers::ln2)));
  };
  Value odd = k.add(k.mul(k.add(head, -int64_t(whole)), 2), 1);
  Value power = ops.create<arith::SelectOp>(k.less(head, k.index(whole)),
                                            times(k.add(head, 1), step),
                                            times(odd, step / 2));
  Value slope = emitExp(k, power);
  return k.subf(k.constant(1, 0.0f), slope);
}

/// Scores of the keys from `key` on, less the farther they are from the row's
/// token.
Value AttentionEmitter::nearer(Value score, Value row, Value lane, Value key) {
  Value left = k.add(k.load(k.i64(), ofRow(places, row, 8)), k.mul(key, -1));
  Value own = k.splat(k.ops().create<arith::TruncIOp>(k.i32(), left), lanes());
  Value apart = k.toFloat(k.ops().create<arith::SubIOp>(lane, own));
  Value far = k.maxf(apart, k.subf(k.constantLike(apart, 0.0f), apart));
  Value slope = k.loadSplat(lanes(), k.f32(), ofRow(slopes, row, 4), 0);
  return k.fma(far, slope, score);
}

/// Scores of a pass with the keys of one page, of which its rows see the first
/// keyCount at most; blocks behind are not multiplied.
void AttentionEmitter::emitScores(const Pass &pass, const Lines &keys,
                                  Value firstKey, Value keyCount) {
  if (latent)
    return emitLatentScores(pass, keys.numbers, firstKey, keyCount);
  unsigned keyBlocks = page.pageTokens / kKeyBlock;
  // Few rows: several blocks of keys at once, to have enough sums in flight.
  unsigned blocks =
      std::gcd(keyBlocks, std::max(1u, rowsPerPass() / pass.rows));
  unsigned blockBytes = page.keyWidth * kKeyBlock * page.elementBytes();
  unsigned step = blocks * kKeyBlock;
  Value seen = k.mul(k.div(k.add(keyCount, step - 1), step), blocks);
  k.loop(k.index(0), seen, blocks, [&](Value keyBlock) {
    Value place = k.at(keys.numbers, k.mul(keyBlock, blockBytes));
    auto dots = [&] {
      if (page.pairs())
        return emitPairDots(pass, place, blocks);
      if (!page.scaled())
        return emitDots(pass, place, blocks);
      Value scales = k.at(keys.scales, k.mul(keyBlock, kKeyBlock * 2));
      return emitByteDots(pass, {place, scales}, blocks);
    };
    storeScores(pass, dots(), firstKey, keyBlock, blocks);
  });
  k.loop(seen, k.index(keyBlocks), blocks,
         [&](Value keyBlock) { hideBlocks(pass, keyBlock, blocks); });
}

/// No row of the pass sees a key of these blocks.
void AttentionEmitter::hideBlocks(const Pass &pass, Value keyBlock,
                                  unsigned blocks) {
  unsigned vectors = blocks * kKeyBlock / lanes();
  Value place = k.at(ofRow(scores, pass.first, scoreBytes()),
                     k.mul(keyBlock, kKeyBlock * 4));
  for (unsigned r = 0; r < pass.rows; ++r)
    for (unsigned i = 0; i < vectors; ++i)
      k.store(k.constant(lanes(), -INFINITY), place,
              r * scoreBytes() + i * stateBytes());
}

/// The same where keys lie row by row: all products of the page first, then
/// scores of them. What is not multiplied is -inf whatever lies there.
void AttentionEmitter::emitLatentScores(const Pass &pass, Value keys,
                                        Value firstKey, Value keyCount) {
  QueryPart first{{}, latent.getRank()}, second{{}, latent.getRotary()};
  for (unsigned r = 0; r < pass.rows; ++r) {
    auto load = [&](Value space) {
      return k.load(query.getType(), ofRow(space, pass.first, 8), r * 8);
    };
    first.rows.push_back(load(queries));
    second.rows.push_back(load(rotatedQueries));
  }
  Value place = ofRow(scores, pass.first, scoreBytes());
  emitRowScores(k, first, second,
                {.base = keys,
                 .element = page.element,
                 .elementBytes = page.elementBytes(),
                 .all = page.pageTokens,
                 .seen = keyCount},
                place, scoreBytes());
  unsigned parts = kKeyBlock / lanes();
  k.loop(k.index(0), k.index(page.pageTokens / kKeyBlock), 1, [&](Value block) {
    Value line = k.at(place, k.mul(block, kKeyBlock * 4));
    Values dots;
    for (unsigned i = 0; i < pass.rows * parts; ++i)
      dots.push_back(
          k.load(k.vec(lanes(), k.f32()), line,
                 i / parts * scoreBytes() + i % parts * stateBytes()));
    storeScores(pass, dots, firstKey, block, 1);
  });
}

/// Column `d` of `blocks` blocks of keys.
Values AttentionEmitter::keyColumn(Value keyBlocksAt, Value d,
                                   unsigned blocks) {
  if (page.bytes())
    return smallFloatKeys(keyBlocksAt, d, blocks);
  unsigned size = page.elementBytes(), parts = kKeyBlock / lanes();
  unsigned blockBytes = page.keyWidth * kKeyBlock * size;
  Value line = k.at(keyBlocksAt, k.mul(d, kKeyBlock * size));
  Values keys;
  for (unsigned i = 0; i < blocks * parts; ++i)
    keys.push_back(
        k.loadFloats(lanes(), page.element, line,
                     i / parts * blockBytes + i % parts * lanes() * size));
  return keys;
}

/// Products of each row's query with `blocks` blocks of keys, row by row.
Values AttentionEmitter::emitDots(const Pass &pass, Value keyBlocksAt,
                                  unsigned blocks) {
  unsigned vectors = blocks * (kKeyBlock / lanes());
  Values queryRows;
  for (unsigned r = 0; r < pass.rows; ++r)
    queryRows.push_back(
        k.load(query.getType(), ofRow(queries, pass.first, 8), r * 8));
  Values dots(pass.rows * vectors, k.constant(lanes(), 0.0f));
  return k.loop(k.index(0), k.index(page.keyWidth), 1, dots,
                [&](Value d, ValueRange carried) {
                  Values dots(carried);
                  Values keys = keyColumn(keyBlocksAt, d, blocks);
                  Value offset = k.mul(d, 4);
                  for (unsigned r = 0; r < pass.rows; ++r) {
                    Value q = k.loadSplat(lanes(), k.f32(),
                                          k.at(queryRows[r], offset), 0);
                    for (unsigned i = 0; i < vectors; ++i)
                      dots[r * vectors + i] =
                          k.fma(keys[i], q, dots[r * vectors + i]);
                  }
                  return dots;
                });
}

/// What products of query and keys are multiplied by before a soft-cap.
double AttentionEmitter::queryFactor() const {
  double scale = attention.getScale().getValueAsDouble();
  return attention.getSoftcap()
             ? scale / attention.getSoftcap().getValueAsDouble()
             : scale;
}

/// Scores of products of query and keys.
Value AttentionEmitter::scaled(Value dots) {
  if (!queryBytes())
    dots = k.mulf(dots, k.constantLike(dots, float(queryFactor())));
  if (!attention.getSoftcap())
    return dots;
  double cap = attention.getSoftcap().getValueAsDouble();
  return k.mulf(emitTanh(k, dots), k.constantLike(dots, float(cap)));
}

/// Which of the keys at `lane` a row sees whose own is at lane `left`.
Value AttentionEmitter::isSeen(Value lane, Value left) {
  auto compare = [&](arith::CmpIPredicate predicate, Value limit) -> Value {
    Value narrow = k.ops().create<arith::TruncIOp>(k.i32(), limit);
    return k.ops().create<arith::CmpIOp>(predicate, lane,
                                         k.splat(narrow, lanes()));
  };
  Value seen = compare(arith::CmpIPredicate::sle, left);
  if (!attention.getWindow())
    return seen;
  Value recent = compare(arith::CmpIPredicate::sgt,
                         k.add(left, -int64_t(attention.getWindow())));
  return k.ops().create<arith::AndIOp>(seen, recent);
}

/// Scores into the work space; keys that the row does not see get -inf.
void AttentionEmitter::storeScores(const Pass &pass, const Values &dots,
                                   Value firstKey, Value keyBlock,
                                   unsigned blocks) {
  unsigned vectors = blocks * kKeyBlock / lanes();
  SmallVector<int32_t> numbers(lanes());
  std::iota(numbers.begin(), numbers.end(), 0);
  Value lane = k.ops().create<arith::ConstantOp>(DenseElementsAttr::get(
      k.vec(lanes(), k.i32()), ArrayRef<int32_t>(numbers)));
  Value inPage = k.mul(keyBlock, kKeyBlock);
  Value key = k.add(firstKey, inPage);
  Value place = k.at(ofRow(scores, pass.first, scoreBytes()), k.mul(inPage, 4));
  for (unsigned r = 0; r < pass.rows; ++r) {
    Value position = k.load(k.i64(), ofRow(positions, pass.first, 8), r * 8);
    for (unsigned i = 0; i < vectors; ++i) {
      Value left = k.add(position, k.mul(k.add(key, i * lanes()), -1));
      Value score = scaled(dots[r * vectors + i]);
      if (attention.getAlibi())
        score =
            nearer(score, k.add(pass.first, r), lane, k.add(key, i * lanes()));
      k.store(k.ops().create<arith::SelectOp>(isSeen(lane, left), score,
                                              k.constantLike(score, -INFINITY)),
              place, r * scoreBytes() + i * stateBytes());
    }
  }
}
