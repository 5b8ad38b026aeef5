/// Emits the writing and quantising of activation rows.
#include "codegen/x86/RowWriter.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

unsigned x86::rowBytes(tile::RowAttr row) {
  return row.getQ8() ? Q8Layout::of(row.getWidth(), row.getSums()).rowBytes
                     : row.getStride() * 4;
}

Value x86::rowAt(KernelBuilder &k, tile::RowAttr row, Value base, Value index) {
  return k.at(base, k.mul(index, rowBytes(row)));
}

/// Stores the sum of `codes` (int32 vectors) as the layout's sums ask for it.
static void writeSums(KernelBuilder &k, Value count, Value scale,
                      unsigned shift, Value integerAt, Value floatAt) {
  Value sum = k.sumLanes(count);
  if (integerAt) {
    Value negative = k.ops().create<arith::SubIOp>(k.constantLike(sum, 0), sum);
    k.store(k.shiftLeft(negative, shift), integerAt);
  }
  if (floatAt)
    k.store(k.mulf(scale, k.toFloat(sum)), floatAt);
}

std::pair<Value, Value> x86::unitsOf(KernelBuilder &k, Value largest,
                                     float most) {
  Value zero = k.constantLike(largest, 0.0f);
  Value tiny = k.ops().create<arith::CmpFOp>(arith::CmpFPredicate::OLT, largest,
                                             k.constantLike(largest, 1e-30f));
  Value inverse = k.divf(k.constantLike(largest, most), largest);
  Value unit = k.mulf(largest, k.constantLike(largest, 1.0f / most));
  return {k.ops().create<arith::SelectOp>(tiny, zero, unit),
          k.ops().create<arith::SelectOp>(tiny, zero, inverse)};
}

ByteBlock x86::toBytes(KernelBuilder &k, ValueRange columns) {
  Value largest;
  for (Value column : columns) {
    Value magnitude = k.ops().create<math::AbsFOp>(column);
    largest = largest ? k.maxf(largest, magnitude) : magnitude;
  }
  auto [scale, inverse] = unitsOf(k, k.maxLanes(largest), 127.0f);
  unsigned lanes = 32 / columns.size();
  Value factor = k.splat(inverse, lanes);
  ByteBlock block{scale, {}};
  for (Value column : columns) {
    Value rounded = k.ops().create<math::RoundEvenOp>(k.mulf(column, factor));
    block.codes.push_back(
        k.ops().create<arith::FPToSIOp>(k.vec(lanes, k.i32()), rounded));
  }
  return block;
}

static void quantizeBlock(KernelBuilder &k, tile::RowAttr row, Value rowAddress,
                          Value block, ValueRange columns) {
  Q8Layout layout = Q8Layout::of(row.getWidth(), row.getSums());
  unsigned lanes = 32 / columns.size(), sums = row.getSums();
  auto [scale, all] = toBytes(k, columns);
  Value codesAt = k.at(rowAddress, k.mul(block, 32));
  Value by4 = k.at(rowAddress, k.mul(block, 4));
  Value by8 = k.at(rowAddress, k.mul(block, 8));
  Value halves[2];
  for (unsigned i = 0; i < columns.size(); ++i) {
    Value codes = all[i];
    Value bytes = k.ops().create<arith::TruncIOp>(
        k.vec(lanes, k.ops().getI8Type()), codes);
    k.store(bytes, codesAt, i * lanes);
    Value &half = halves[i * lanes / 16];
    half = half ? k.add(half, codes) : codes;
  }
  k.store(scale, by4, layout.scales);
  auto place = [&](unsigned set, Value base, unsigned offset) {
    return sums & set ? k.at(base, offset) : Value();
  };
  if (sums & (kCodes32 | kMins32))
    writeSums(k, k.add(halves[0], halves[1]), scale, sumShift(sums),
              place(kCodes32, by4, layout.codes32),
              place(kMins32, by4, layout.mins32));
  for (unsigned half = 0; half < 2 && sums & (kCodes16 | kMins16); ++half)
    writeSums(k, halves[half], scale, sumShift(sums),
              place(kCodes16, by8, layout.codes16 + 4 * half),
              place(kMins16, by8, layout.mins16 + 4 * half));
}

void x86::writeBlock(KernelBuilder &k, tile::RowAttr row, Value rowAddress,
                     Value block, ValueRange columns) {
  if (row.getQ8())
    return quantizeBlock(k, row, rowAddress, block, columns);
  Value at = k.at(rowAddress, k.mul(block, 128));
  for (unsigned i = 0; i < columns.size(); ++i)
    k.store(columns[i], at, i * (128 / columns.size()));
}

void x86::writePadding(KernelBuilder &k, tile::RowAttr row, Value rowAddress) {
  if (!row.getQ8())
    return;
  Q8Layout layout = Q8Layout::of(row.getWidth(), row.getSums());
  unsigned lanes = k.isa().lanes();
  Values zeros(32 / lanes, k.constant(lanes, 0.0f));
  k.loop(k.index(layout.width / 32), k.index(layout.padded / 32), 1,
         [&](Value block) { quantizeBlock(k, row, rowAddress, block, zeros); });
}
