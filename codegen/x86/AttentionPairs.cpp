/// Emits the two products of attention over a cache of bfloat16 pairs: queries
/// and weights are rounded likewise, sums stay float32. Pairs begin at even
/// columns and even keys, so that no tile, page or step changes a sum.
#include "codegen/x86/AttentionEmitter.h"
#include "codegen/x86/Bf16.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// The query at `from`, times what scores are scaled by, in the work space of
/// `row`.
Value AttentionEmitter::roundedQuery(Value row, Value from) {
  unsigned width = page.keyWidth, vl = k.lanesFor(width);
  Value to = ofRow(rounded, row, width * 2);
  Value factor = k.constant(vl, float(queryFactor()));
  k.loop(k.index(0), k.index(width), vl, [&](Value column) {
    Value x = k.load(k.vec(vl, k.f32()), k.at(from, k.mul(column, 4)));
    k.store(toBf16(k, k.mulf(x, factor)), k.at(to, k.mul(column, 2)));
  });
  return to;
}

/// Products of each row's query with `blocks` blocks of keys, row by row.
Values AttentionEmitter::emitPairDots(const Pass &pass, Value keyBlocksAt,
                                      unsigned blocks) {
  unsigned lanes = this->lanes(), line = lanes * 4;
  unsigned blockBytes = page.keyWidth * kKeyBlock * 2;
  Values rows;
  for (unsigned r = 0; r < pass.rows; ++r)
    rows.push_back(
        k.load(query.getType(), ofRow(queries, pass.first, 8), r * 8));
  Values dots(pass.rows * blocks, k.constant(lanes, 0.0f));
  return k.loop(
      k.index(0), k.index(page.keyWidth / 2), 1, dots,
      [&](Value pair, ValueRange carried) {
        Values dots(carried), keys;
        Value place = k.at(keyBlocksAt, k.mul(pair, line));
        for (unsigned b = 0; b < blocks; ++b)
          keys.push_back(k.load(k.vec(lanes, k.i32()), place, b * blockBytes));
        Value offset = k.mul(pair, 4);
        for (unsigned r = 0; r < pass.rows; ++r) {
          Value q = k.loadSplat(lanes, k.i32(), k.at(rows[r], offset), 0);
          for (unsigned b = 0; b < blocks; ++b) {
            Value &dot = dots[r * blocks + b];
            dot = dotPairs(k, dot, keys[b], q);
          }
        }
        return dots;
      });
}

/// The sums of `blocks` vectors of columns for each row, and what the first
/// keyCount keys add to them. Where they are odd in number, what lies beside
/// the last belongs to nobody and counts as zero.
Values AttentionEmitter::addPairs(const Pass &pass, Value columnAt,
                                  Value keyCount, unsigned blocks,
                                  Values sums) {
  unsigned vl = valueLanes();
  Value weights = ofRow(scores, pass.first, scoreBytes());
  auto add = [&](Value pair, Values sums, bool half) {
    Values values;
    Value line = k.at(columnAt, k.mul(pair, page.valueWidth * 4));
    Value weightAt = k.at(weights, k.mul(pair, 4));
    for (unsigned b = 0; b < blocks; ++b) {
      Value both = k.load(k.vec(vl, k.i32()), line, b * vl * 4);
      values.push_back(half ? k.andBits(both, 0xffff) : both);
    }
    for (unsigned i = 0; i < pass.rows * blocks; ++i) {
      Value weight =
          k.loadSplat(vl, k.i32(), weightAt, i / blocks * scoreBytes());
      sums[i] = dotPairs(k, sums[i], values[i % blocks], weight);
    }
    return sums;
  };
  Value whole = k.div(keyCount, 2);
  Values all =
      k.loop(k.index(0), whole, 1, sums, [&](Value pair, ValueRange carried) {
        return add(pair, Values(carried), false);
      });
  // Once, or not at all.
  Value end = k.add(whole, k.rem(keyCount, 2));
  return k.loop(whole, end, 1, all, [&](Value pair, ValueRange carried) {
    return add(pair, Values(carried), true);
  });
}
