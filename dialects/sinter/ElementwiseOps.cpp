/// Verifiers and formulas of elementwise ops, those of SinterOps.td included.
/// Formulas use arith and math ops that codegen's printer of hole bodies knows.
#include "dialects/sinter/ElementwiseOps.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#include <cmath>
#include <numbers>

using namespace mlir;
using namespace sinter;

#include "dialects/sinter/Elementwise.cpp.inc"

#define GET_OP_CLASSES
#include "dialects/sinter/ElementwiseOps.cpp.inc"

void sinter::registerElementwiseOps(SinterDialect &dialect) {
  dialect.addGroup<
#define GET_OP_LIST
#include "dialects/sinter/ElementwiseOps.cpp.inc"
      >();
}

namespace {

/// Scalar float32 arithmetic, one op a word.
struct Scalars {
  OpBuilder &b;
  Location loc;

  Value number(double value) const {
    return b.create<arith::ConstantOp>(
        loc, b.getF32FloatAttr(static_cast<float>(value)));
  }
  Value add(Value x, Value y) const {
    return b.create<arith::AddFOp>(loc, x, y);
  }
  Value mul(Value x, Value y) const {
    return b.create<arith::MulFOp>(loc, x, y);
  }
  Value div(Value x, Value y) const {
    return b.create<arith::DivFOp>(loc, x, y);
  }
  /// x / (1 + exp(-y)).
  Value gated(Value x, Value y) const {
    Value one = number(1.0);
    Value negative = b.create<arith::NegFOp>(loc, y);
    Value power = b.create<math::ExpOp>(loc, negative);
    return div(x, add(one, power));
  }
  /// 1 + tanh(y) = 2 / (1 + exp(-2y)), so one exponential is enough and small
  /// results stay exact.
  Value gelu(Value x) const {
    double slope = 2 * std::sqrt(2 / std::numbers::pi);
    Value cube = mul(mul(x, x), number(0.044715 * slope));
    return gated(x, mul(x, add(cube, number(slope))));
  }
};

} // namespace

Value AddOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  return Scalars{b, loc}.add(x[0], x[1]);
}

bool SwigluOp::isActivation() { return true; }
bool GegluOp::isActivation() { return true; }
bool GeluOp::isActivation() { return true; }
bool Relu2Op::isActivation() { return true; }

Value SwigluOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  Scalars s{b, loc};
  return s.mul(s.gated(x[0], x[0]), x[1]);
}

Value GegluOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  Scalars s{b, loc};
  return s.mul(s.gelu(x[0]), x[1]);
}

Value GeluOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  return Scalars{b, loc}.gelu(x[0]);
}

Value Relu2Op::formula(OpBuilder &b, Location loc, ValueRange x) {
  Scalars s{b, loc};
  Value positive = b.create<arith::MaxNumFOp>(loc, x[0], s.number(0.0));
  return s.mul(positive, positive);
}

Value ScaleOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  Scalars s{b, loc};
  return s.mul(x[0], s.number(getFactor().convertToDouble()));
}

LogicalResult SoftcapOp::verify() {
  if (double cap = getCap().convertToDouble(); !(cap > 0))
    return emitOpError("has the cap ") << cap << ", expected one above 0";
  return success();
}

Value SoftcapOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  Scalars s{b, loc};
  Value cap = s.number(getCap().convertToDouble());
  Value tanh = b.create<math::TanhOp>(loc, s.div(x[0], cap));
  return s.mul(tanh, cap);
}
