/// Emits what attention does with scores: online softmax (arXiv 2205.14135),
/// sums of weighted values, and each head's result into its row.
#include "codegen/x86/AttentionEmitter.h"
#include "codegen/x86/Bf16.h"
#include "codegen/x86/HoleBody.h"
#include "codegen/x86/RowWriter.h"

#include <limits>
#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

/// A row's running maximum and sum before its first key. A sink is a score
/// without a value. In a window a row's first page may hold no key that it
/// sees, so its maximum must be a number.
void AttentionEmitter::beginSoftmax(Value row, Value head) {
  Value largest = k.constant(lanes(), attention.getWindow()
                                          ? std::numeric_limits<float>::lowest()
                                          : -INFINITY);
  Value sum = k.constant(lanes(), 0.0f);
  if (sinks) {
    largest = k.splat(k.load(k.f32(), k.at(sinks, k.mul(head, 4))), lanes());
    SmallVector<float> once(lanes(), 0.0f);
    once.front() = 1.0f;
    sum = k.ops().create<arith::ConstantOp>(
        DenseElementsAttr::get(k.vec(lanes(), k.f32()), ArrayRef<float>(once)));
  }
  k.store(largest, ofRow(maxima, row, stateBytes()));
  k.store(sum, ofRow(sums, row, stateBytes()));
}

/// Scores to weights: exp(score - running maximum); the factor by which what
/// was summed before shrinks; the running sum.
void AttentionEmitter::emitSoftmax(const Tile &tile) {
  auto type = k.vec(lanes(), k.f32());
  k.loop(k.index(0), k.index(tile.rows), 1, [&](Value row) {
    Value line = k.at(scores, k.mul(row, page.pageTokens * 4));
    Value state = k.mul(row, lanes() * 4);
    unsigned vectors = page.pageTokens / lanes();
    Value largest = k.load(type, k.at(maxima, state));
    Value before = largest;
    Values block;
    for (unsigned i = 0; i < vectors; ++i) {
      block.push_back(k.load(type, line, i * lanes() * 4));
      largest = k.maxf(largest, block.back());
    }
    largest = k.splat(k.maxLanes(largest), lanes());
    Value factor = emitExp(k, k.subf(before, largest));
    Value sum = k.mulf(k.load(type, k.at(sums, state)), factor);
    for (unsigned i = 0; i < vectors; ++i) {
      Value weight = emitExp(k, k.subf(block[i], largest));
      if (page.pairs()) {
        // What is multiplied is what is summed, so that rounding does not
        // change the weights' sum.
        Value half = toBf16(k, weight);
        k.store(half, line, i * lanes() * 2);
        weight = k.ops().create<arith::ExtFOp>(type, half);
      } else {
        k.store(weight, line, i * lanes() * 4);
      }
      sum = k.addf(sum, weight);
    }
    k.store(largest, k.at(maxima, state));
    k.store(sum, k.at(sums, state));
    k.store(factor, k.at(factors, state));
  });
}

/// `blocks` vectors of columns of the value of `key`.
Values AttentionEmitter::valueOf(Value columnAt, Value key, unsigned blocks) {
  if (page.bytes())
    return smallFloatValues(columnAt, key, blocks);
  unsigned size = page.elementBytes(), vl = valueLanes();
  Value line = k.at(columnAt, k.mul(key, page.valueStride() * size));
  Values vectors;
  for (unsigned b = 0; b < blocks; ++b)
    vectors.push_back(k.loadFloats(vl, page.element, line, b * vl * size));
  return vectors;
}

/// The sums of `blocks` vectors of columns for each row, and what the first
/// keyCount keys add to them.
Values AttentionEmitter::addValues(const Pass &pass, Value columnAt,
                                   Value keyCount, unsigned blocks,
                                   Values sums) {
  unsigned vl = valueLanes();
  Value weights = ofRow(scores, pass.first, scoreBytes());
  return k.loop(k.index(0), keyCount, 1, sums,
                [&](Value key, ValueRange carried) {
                  Values sums(carried);
                  Values vectors = valueOf(columnAt, key, blocks);
                  Value weightAt = k.at(weights, k.mul(key, 4));
                  for (unsigned i = 0; i < pass.rows * blocks; ++i)
                    sums[i] = k.fma(k.loadSplat(vl, k.f32(), weightAt,
                                                i / blocks * scoreBytes()),
                                    vectors[i % blocks], sums[i]);
                  return sums;
                });
}

/// outputs = outputs · factor + weights · values, over the first keyCount keys.
void AttentionEmitter::emitValues(const Pass &pass, const Lines &values,
                                  Value keyCount) {
  if (page.scaled())
    weighBytes(pass, values.scales);
  unsigned width = page.valueWidth;
  unsigned vl = valueLanes(), rows = pass.rows;
  auto type = k.vec(vl, k.f32());
  // Few rows: several vectors of columns at once.
  unsigned blocks = std::gcd(width / vl, std::max(1u, rowsPerPass() / rows));
  Value factorsAt = ofRow(factors, pass.first, stateBytes());
  k.loop(k.index(0), k.index(width), vl * blocks, [&](Value column) {
    Value place =
        k.at(ofRow(outputs, pass.first, outputBytes()), k.mul(column, 4));
    auto offset = [&](unsigned i) {
      return i / blocks * outputBytes() + i % blocks * vl * 4;
    };
    Values start;
    for (unsigned i = 0; i < rows * blocks; ++i)
      start.push_back(k.mulf(
          k.load(type, place, offset(i)),
          k.loadSplat(vl, k.f32(), factorsAt, i / blocks * stateBytes())));
    // Neighbours of a column are tokens' where these share a word.
    bool words = page.pairs() || page.bytes();
    Value columnAt =
        k.at(values.numbers, k.mul(column, words ? 4 : page.elementBytes()));
    Values result =
        page.pairs() ? addPairs(pass, columnAt, keyCount, blocks, start)
        : page.scaled()
            ? addBytes(pass, columnAt, column, keyCount, blocks, start)
            : addValues(pass, columnAt, keyCount, blocks, start);
    for (unsigned i = 0; i < rows * blocks; ++i)
      k.store(result[i], place, offset(i));
  });
}

/// One head's result, `inverse` times the sums at `result`, into its row.
void AttentionEmitter::writeHead(Value out, Value head, Value result,
                                 Value inverse) {
  RowAttr row = attention.getOutput();
  unsigned width = page.valueWidth, vl = valueLanes();
  auto column = [&](Value offset) {
    Value sum = k.load(k.vec(vl, k.f32()), k.at(result, offset));
    return k.mulf(sum, inverse);
  };
  if (!row.getQ8()) {
    Value place = k.at(out, k.mul(head, width * 4));
    k.loop(k.index(0), k.index(width * 4), vl * 4,
           [&](Value offset) { k.store(column(offset), k.at(place, offset)); });
    return;
  }
  k.loop(k.index(0), k.index(width / 32), 1, [&](Value block) {
    Values columns;
    for (unsigned i = 0; i < 32; i += vl)
      columns.push_back(column(k.add(k.mul(block, 128), i * 4)));
    writeBlock(k, row, out, k.add(k.mul(head, width / 32), block), columns);
  });
}

void AttentionEmitter::emitResult(const Tile &tile) {
  RowAttr row = attention.getOutput();
  k.loop(k.index(0), k.index(tile.rows), 1, [&](Value r) {
    Value token = k.add(tile.firstToken, k.div(r, group));
    Value head = k.add(k.mul(tile.head, group), k.rem(r, group));
    Value out = rowAt(k, row, output, token);
    Value sum = k.sumLanes(
        k.load(k.vec(lanes(), k.f32()), ofRow(sums, r, stateBytes())));
    Value inverse =
        k.splat(k.divf(k.constantLike(sum, 1.0f), sum), valueLanes());
    writeHead(out, head, ofRow(outputs, r, outputBytes()), inverse);
    if (row.getQ8() && row.getWidth() % 256)
      k.when(k.equal(head, k.index(0)), [&] { writePadding(k, row, out); });
  });
}
