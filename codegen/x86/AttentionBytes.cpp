/// Emits the products of attention over a cache of bytes. Q8_0 is multiplied as
/// integers: queries are quantised to bytes likewise, 32 columns at a time, and
/// the weights of a page, times the scales of its values, to two bytes each. A
/// page's integer sums are exact, so that their order does not matter; what
/// they are multiplied by follows from the row and the page alone. E4M3 becomes
/// float32 as it is loaded.
#include "codegen/x86/AttentionEmitter.h"
#include "codegen/x86/ByteDot.h"
#include "codegen/x86/E4m3.h"
#include "codegen/x86/RowWriter.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// A weight's largest number of two bytes.
static constexpr float kLargestWeight = 65535;

/// The query at `from`, times what scores are scaled by, in the work space of
/// `row`: bytes, then of each block its scale, then -128 times its sum, because
/// keys are multiplied as unsigned bytes, which are 128 more.
Value AttentionEmitter::quantizedQuery(Value row, Value from) {
  unsigned width = page.keyWidth, vl = std::min(32u, k.lanesFor(width));
  Value to = ofRow(rounded, row, queryBytes());
  k.loop(k.index(0), k.index(width / 32), 1, [&](Value block) {
    Values numbers;
    for (unsigned i = 0; i < 32; i += vl)
      numbers.push_back(
          k.load(k.vec(vl, k.f32()), k.at(from, k.mul(block, 128)), i * 4));
    ByteBlock bytes = toBytes(k, numbers);
    Value sum;
    for (unsigned i = 0; i < bytes.codes.size(); ++i) {
      Value narrow = k.ops().create<arith::TruncIOp>(
          k.vec(vl, k.ops().getI8Type()), bytes.codes[i]);
      k.store(narrow, k.at(to, k.mul(block, 32)), i * vl);
      sum = sum ? k.add(sum, bytes.codes[i]) : bytes.codes[i];
    }
    Value scale =
        k.mulf(bytes.scale, k.constantLike(bytes.scale, float(queryFactor())));
    Value total = k.sumLanes(sum);
    Value start = k.ops().create<arith::MulIOp>(
        total, k.constantLike(total, int32_t(-128)));
    k.store(scale, k.at(to, k.mul(block, 4)), width);
    k.store(start, k.at(to, k.mul(block, 4)), width + width / 8);
  });
  return to;
}

/// Products of each row's query with `blocks` blocks of keys, row by row.
Values AttentionEmitter::emitByteDots(const Pass &pass, const Lines &keys,
                                      unsigned blocks) {
  unsigned lanes = this->lanes(), parts = kKeyBlock / lanes;
  unsigned vectors = blocks * parts, width = page.keyWidth;
  auto words = k.vec(lanes, k.i32());
  Values rows;
  for (unsigned r = 0; r < pass.rows; ++r)
    rows.push_back(
        k.load(query.getType(), ofRow(queries, pass.first, 8), r * 8));
  Values dots(pass.rows * vectors, k.constant(lanes, 0.0f));
  auto addBlock = [&](Value block, ValueRange carried) {
    SmallVector<ByteDot32> sums;
    for (unsigned i = 0; i < pass.rows * vectors; ++i)
      sums.emplace_back(k.loadSplat(lanes, k.i32(),
                                    k.at(rows[i / vectors], k.mul(block, 4)),
                                    width + width / 8));
    for (unsigned quad = 0; quad < 8; ++quad) {
      Value line = k.at(keys.numbers, k.mul(block, 8 * kKeyBlock * 4));
      Values unsignedKeys;
      for (unsigned i = 0; i < vectors; ++i) {
        Value bytes = k.load(words, line,
                             i / parts * width * kKeyBlock + quad * 64 +
                                 i % parts * lanes * 4);
        unsignedKeys.push_back(k.ops().create<arith::XOrIOp>(
            bytes, k.constantLike(bytes, int32_t(0x80808080u))));
      }
      for (unsigned r = 0; r < pass.rows; ++r) {
        Value q = k.loadSplat(lanes, k.i32(), k.at(rows[r], k.mul(block, 32)),
                              quad * 4);
        for (unsigned i = 0; i < vectors; ++i)
          sums[r * vectors + i].add(k, unsignedKeys[i], q, 255);
      }
    }
    Values dots(carried), scales;
    Value scaleAt = k.at(keys.scales, k.mul(block, page.pageTokens * 2));
    for (unsigned i = 0; i < vectors; ++i)
      scales.push_back(
          k.loadFloats(lanes, k.ops().getF16Type(), scaleAt, i * lanes * 2));
    for (unsigned i = 0; i < pass.rows * vectors; ++i) {
      Value own = k.loadSplat(lanes, k.f32(),
                              k.at(rows[i / vectors], k.mul(block, 4)), width);
      Value product = k.mulf(k.toFloat(sums[i].finish(k)), own);
      dots[i] = k.fma(product, scales[i % vectors], dots[i]);
    }
    return dots;
  };
  return k.loop(k.index(0), k.index(width / 32), 1, dots, addBlock);
}

/// Weights of a pass's rows times the scales of a page's values, as two planes
/// of bytes for each block of columns, and what one of their units is worth.
void AttentionEmitter::weighBytes(const Pass &pass, Value scales) {
  unsigned lanes = this->lanes(), vectors = page.pageTokens / lanes;
  auto &ops = k.ops();
  auto narrow = k.vec(lanes, ops.getI8Type());
  auto weigh = [&](Value row, Value block) {
    Value line = ofRow(scores, k.add(pass.first, row), scoreBytes());
    Value scaleAt = k.at(scales, k.mul(block, page.pageTokens * 2));
    Values products;
    Value most;
    for (unsigned i = 0; i < vectors; ++i) {
      Value weight = k.load(k.vec(lanes, k.f32()), line, i * lanes * 4);
      products.push_back(k.mulf(weight, k.loadFloats(lanes, ops.getF16Type(),
                                                     scaleAt, i * lanes * 2)));
      most = most ? k.maxf(most, products[i]) : products[i];
    }
    auto [unit, inverse] = unitsOf(k, k.maxLanes(most), kLargestWeight);
    Value factor = k.splat(inverse, lanes);
    Value own = ofRow(byteWeights, row, weightBytes());
    Value place = k.at(own, k.mul(block, 2 * page.pageTokens));
    for (unsigned i = 0; i < vectors; ++i) {
      Value code = ops.create<arith::FPToSIOp>(
          k.vec(lanes, k.i32()),
          ops.create<math::RoundEvenOp>(k.mulf(products[i], factor)));
      Value high = ops.create<arith::TruncIOp>(narrow, k.shiftRight(code, 8));
      k.store(high, place, i * lanes);
      k.store(ops.create<arith::TruncIOp>(narrow, code), place,
              page.pageTokens + i * lanes);
    }
    k.store(unit, k.at(own, k.mul(block, 4)),
            page.valueWidth / 32 * 2 * page.pageTokens);
  };
  k.loop(k.index(0), k.index(pass.rows), 1, [&](Value row) {
    k.loop(k.index(0), k.index(page.valueWidth / 32), 1,
           [&](Value block) { weigh(row, block); });
  });
}

/// The sums of `blocks` vectors of columns from `column` on for each row, and
/// what the first keyCount keys add to them.
Values AttentionEmitter::addBytes(const Pass &pass, Value columnAt,
                                  Value column, Value keyCount, unsigned blocks,
                                  Values sums) {
  unsigned vl = valueLanes(), count = pass.rows * blocks;
  auto words = k.vec(vl, k.i32());
  // Vectors fill blocks of 32 columns, or a block holds all of them.
  Value first = k.div(column, 32);
  auto blockOf = [&](unsigned i) { return i % blocks * vl / 32; };
  auto offset = [&](unsigned i) { return i / blocks * weightBytes(); };
  Value weights = k.at(byteWeights, k.mul(first, 2 * page.pageTokens));
  Values zeros(2 * count, k.constant(vl, int32_t(0)));
  Value quads = k.div(k.add(keyCount, 3), 4);
  Values parts =
      k.loop(k.index(0), quads, 1, zeros, [&](Value quad, ValueRange carried) {
        Values parts(carried), values;
        Value line = k.at(columnAt, k.mul(quad, page.valueWidth * 4));
        for (unsigned b = 0; b < blocks; ++b)
          values.push_back(k.load(words, line, b * vl * 4));
        Value weightAt = k.at(weights, k.mul(quad, 4));
        for (unsigned i = 0; i < 2 * count; ++i) {
          unsigned plane = i / count * page.pageTokens, own = i % count;
          Value weight = k.loadSplat(
              vl, k.i32(), weightAt,
              offset(own) + blockOf(own) * 2 * page.pageTokens + plane);
          ByteDot32 dot(parts[i]);
          dot.add(k, weight, values[own % blocks], 255);
          parts[i] = dot.finish(k);
        }
        return parts;
      });
  Value units = k.at(byteWeights, k.mul(first, 4));
  for (unsigned i = 0; i < count; ++i) {
    Value total = k.add(k.shiftLeft(parts[i], 8), parts[count + i]);
    Value unit = k.loadSplat(vl, k.f32(), units,
                             offset(i) + blockOf(i) * 4 +
                                 page.valueWidth / 32 * 2 * page.pageTokens);
    sums[i] = k.fma(k.toFloat(total), unit, sums[i]);
  }
  return sums;
}

/// Column `d` of `blocks` blocks of keys of E4M3.
Values AttentionEmitter::smallFloatKeys(Value keyBlocksAt, Value d,
                                        unsigned blocks) {
  unsigned parts = kKeyBlock / lanes();
  Value line = k.at(keyBlocksAt, k.mul(k.div(d, 4), kKeyBlock * 4));
  Values keys;
  for (unsigned i = 0; i < blocks * parts; ++i)
    keys.push_back(fromE4m3(
        k,
        k.load(k.vec(lanes(), k.i32()), line,
               i / parts * page.keyWidth * kKeyBlock + i % parts * lanes() * 4),
        k.rem(d, 4)));
  return keys;
}

/// `blocks` vectors of columns of the value of `key`, of E4M3.
Values AttentionEmitter::smallFloatValues(Value columnAt, Value key,
                                          unsigned blocks) {
  unsigned vl = valueLanes();
  Value line = k.at(columnAt, k.mul(k.div(key, 4), page.valueWidth * 4));
  Values values;
  for (unsigned b = 0; b < blocks; ++b)
    values.push_back(fromE4m3(k, k.load(k.vec(vl, k.i32()), line, b * vl * 4),
                              k.rem(key, 4)));
  return values;
}
