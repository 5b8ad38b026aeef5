/// Emits the arithmetic of an RMS norm.
#include "codegen/x86/RmsNorm.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

Value x86::sumOfSquares(KernelBuilder &k, Value row, Value addend, Value sumRow,
                        unsigned width) {
  unsigned lanes = k.lanesFor(width);
  auto type = k.vec(lanes, k.f32());
  Values squares = k.loop(k.index(0), k.index(width * 4), lanes * 4,
                          {k.constant(lanes, 0.0f)},
                          [&](Value offset, ValueRange carried) -> Values {
                            Value x = k.load(type, k.at(row, offset));
                            if (addend) {
                              x = k.addf(x, k.load(type, k.at(addend, offset)));
                              k.store(x, k.at(sumRow, offset));
                            }
                            return {k.fma(x, x, carried[0])};
                          });
  return k.sumLanes(squares[0]);
}

Value x86::inverseRms(KernelBuilder &k, Value squares, unsigned width,
                      double epsilon, unsigned lanes) {
  Value mean = k.divf(squares, k.constantLike(squares, float(width)));
  Value root = k.ops().create<math::SqrtOp>(
      k.addf(mean, k.constantLike(squares, float(epsilon))));
  return k.splat(k.divf(k.constantLike(squares, 1.0f), root), lanes);
}

Value x86::normed(KernelBuilder &k, Value row, Value weight, Value offset,
                  Value inverse, unsigned lanes) {
  auto type = k.vec(lanes, k.f32());
  Value x = k.mulf(k.load(type, k.at(row, offset)), inverse);
  return weight ? k.mulf(x, k.load(type, k.at(weight, offset))) : x;
}
