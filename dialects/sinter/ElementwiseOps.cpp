/// Verifiers and formulas of elementwise ops, those of SinterOps.td included.
/// Formulas use arith and math ops that codegen's printer of hole bodies knows.
#include "dialects/sinter/ElementwiseOps.h"

#include "dialects/sinter/Operands.h"
#include "dialects/sinter/Scalars.h"

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

/// Gelu's tanh form. 1 + tanh(y) = 2 / (1 + exp(-2y)), so one exponential is
/// enough and small results stay exact.
static Value gelu(const Scalars &s, Value x) {
  double slope = 2 * std::sqrt(2 / std::numbers::pi);
  Value cube = s.mul(s.mul(x, x), s.number(0.044715 * slope));
  return s.gated(x, s.mul(x, s.add(cube, s.number(slope))));
}

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
  return s.mul(gelu(s, x[0]), x[1]);
}

Value GeluOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  return gelu({b, loc}, x[0]);
}

Value Relu2Op::formula(OpBuilder &b, Location loc, ValueRange x) {
  Scalars s{b, loc};
  Value positive = s.max(x[0], s.number(0.0));
  return s.mul(positive, positive);
}

Value ScaleOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  Scalars s{b, loc};
  return s.mul(x[0], s.number(getFactor().convertToDouble()));
}

Value ScaleByOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  return Scalars{b, loc}.mul(x[0], x[1]);
}

LogicalResult ScaleByOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto type = weightType(*this, getWeightAttr(), tables);
  if (failed(type))
    return failure();
  if (type->getNumElements() == 1)
    return success();
  return emitOpError("multiplies by ")
         << getWeightAttr() << " of " << *type << ", expected one number";
}

LogicalResult SoftcapOp::verify() {
  if (double cap = getCap().convertToDouble(); !(cap > 0))
    return emitOpError("has the cap ") << cap << ", expected one above 0";
  return success();
}

Value SoftcapOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  Scalars s{b, loc};
  Value cap = s.number(getCap().convertToDouble());
  return s.mul(s.tanh(s.div(x[0], cap)), cap);
}
