/// Emits norms of rows: RMS and layer norm, after a residual sum or not.
#include "codegen/x86/RmsNorm.h"
#include "codegen/x86/RowWriter.h"
#include "codegen/x86/Skeletons.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

namespace {

/// One group of a row, whose statistics are known: gives its elements.
class Normed {
public:
  /// Reads `row` (plus `addend`, which stores the sum in `sumRow`).
  Normed(KernelBuilder &k, NormAttr norm, Value row, Value addend, Value sumRow,
         Value weight, Value bias, unsigned lanes)
      : k(k), lanes(lanes), source(addend ? sumRow : row), weight(weight),
        bias(bias) {
    unsigned width = norm.getGroup();
    Value squares = norm.getLayer()
                        ? centredSquares(row, addend, sumRow, width)
                        : sumOfSquares(k, row, addend, sumRow, width);
    inverse = inverseRms(k, squares, width,
                         norm.getEpsilon().getValueAsDouble(), lanes);
  }

  /// The elements from byte `offset` on.
  Value at(Value offset) const {
    if (!mean)
      return normed(k, source, weight, offset, inverse, lanes);
    auto type = k.vec(lanes, k.f32());
    Value x = k.subf(k.load(type, k.at(source, offset)), mean);
    x = k.mulf(k.mulf(x, inverse), k.load(type, k.at(weight, offset)));
    return bias ? k.addf(x, k.load(type, k.at(bias, offset))) : x;
  }

private:
  Value centredSquares(Value row, Value addend, Value sumRow, unsigned width);

  KernelBuilder &k;
  unsigned lanes;
  Value source, weight, bias, mean, inverse;
};

} // namespace

/// Finds the mean, then the sum of squares of what differs from it: in one
/// pass the difference of two large numbers would be left.
Value Normed::centredSquares(Value row, Value addend, Value sumRow,
                             unsigned width) {
  unsigned wide = k.lanesFor(width);
  auto type = k.vec(wide, k.f32());
  auto overRow = [&](llvm::function_ref<Value(Value, Value)> body) {
    Values sums = k.loop(k.index(0), k.index(width * 4), wide * 4,
                         {k.constant(wide, 0.0f)},
                         [&](Value offset, ValueRange carried) -> Values {
                           return {body(offset, carried[0])};
                         });
    return k.sumLanes(sums[0]);
  };
  Value sum = overRow([&](Value offset, Value sum) {
    Value x = k.load(type, k.at(row, offset));
    if (addend) {
      x = k.addf(x, k.load(type, k.at(addend, offset)));
      k.store(x, k.at(sumRow, offset));
    }
    return k.addf(sum, x);
  });
  Value middle = k.divf(sum, k.constantLike(sum, float(width)));
  mean = k.splat(middle, lanes);
  Value wideMean = k.splat(middle, wide);
  return overRow([&](Value offset, Value squares) {
    Value x = k.subf(k.load(type, k.at(source, offset)), wideMean);
    return k.fma(x, x, squares);
  });
}

namespace {
/// The kernel's operands; those of a row where they are rows.
struct NormOperands {
  Value input, addend, weight, bias, sum, output;
};
} // namespace

/// One group of a row, written as float32.
static void normGroup(KernelBuilder &k, NormAttr norm, const NormOperands &at) {
  unsigned width = norm.getGroup(), lanes = k.lanesFor(width);
  Normed row(k, norm, at.input, at.addend, at.sum, at.weight, at.bias, lanes);
  k.loop(k.index(0), k.index(width * 4), lanes * 4, [&](Value offset) {
    k.store(row.at(offset), k.at(at.output, offset));
  });
}

/// A whole row, written as 8-bit blocks.
static void normRowQ8(KernelBuilder &k, NormAttr norm, const NormOperands &at) {
  unsigned width = norm.getGroup(), lanes = k.isa().lanes();
  Normed row(k, norm, at.input, at.addend, at.sum, at.weight, at.bias, lanes);
  k.loop(k.index(0), k.index(width / 32), 1, [&](Value block) {
    Values columns;
    for (unsigned i = 0; i < 32; i += lanes)
      columns.push_back(row.at(k.add(k.mul(block, 128), i * 4)));
    writeBlock(k, norm.getOutput(), at.output, block, columns);
  });
  writePadding(k, norm.getOutput(), at.output);
}

static NormOperands loadOperands(KernelBuilder &k, NormAttr norm) {
  unsigned next = 0;
  auto take = [&](bool present) {
    return present ? k.operand(next++) : Value();
  };
  NormOperands all;
  all.input = take(true);
  all.addend = take(norm.getAddend());
  all.weight = take(!norm.getUnit());
  all.bias = take(norm.getBias());
  all.sum = take(norm.getAddend());
  all.output = take(true);
  return all;
}

llvm::Error x86::emitNorm(KernelBuilder &k, KernelOp kernel) {
  auto norm = cast<NormAttr>(kernel.getSkeleton());
  unsigned width = norm.getInput().getWidth(), group = norm.getGroup();
  if (norm.getOutput().getQ8() && (group != width || width % 32))
    return llvm::createStringError(
        "an 8-bit norm needs one group of a multiple of 32, found rows of %u "
        "in groups of %u",
        width, group);
  if (norm.getBias() && !norm.getLayer())
    return llvm::createStringError("an RMS norm has no bias");
  if (norm.getUnit() && (norm.getLayer() || norm.getWide()))
    return llvm::createStringError("only a plain RMS norm goes without weight");
  NormOperands all = loadOperands(k, norm);
  k.loop(k.begin(), k.end(), 1, [&](Value item) {
    NormOperands row = all;
    row.input = rowAt(k, norm.getInput(), all.input, item);
    row.output = rowAt(k, norm.getOutput(), all.output, item);
    if (all.addend) {
      row.addend = k.at(all.addend, k.mul(item, width * 4));
      row.sum = k.at(all.sum, k.mul(item, width * 4));
    }
    if (norm.getOutput().getQ8())
      return normRowQ8(k, norm, row);
    k.loop(k.index(0), k.index(width * 4), group * 4, [&](Value offset) {
      NormOperands part = row;
      part.input = k.at(row.input, offset);
      if (norm.getWide()) {
        part.weight = k.at(row.weight, offset);
        part.bias = row.bias ? k.at(row.bias, offset) : Value();
      }
      if (all.addend) {
        part.addend = k.at(row.addend, offset);
        part.sum = k.at(row.sum, offset);
      }
      part.output = k.at(row.output, offset);
      normGroup(k, norm, part);
    });
  });
  return llvm::Error::success();
}
