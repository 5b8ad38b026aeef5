/// Verifiers and formulas of the ops of encoders and of pooling.
#include "dialects/sinter/EncoderOps.h"

#include "dialects/sinter/Operands.h"
#include "dialects/sinter/Scalars.h"

#include <cmath>

using namespace mlir;
using namespace sinter;

#define GET_OP_CLASSES
#include "dialects/sinter/EncoderOps.cpp.inc"

void sinter::registerEncoderOps(SinterDialect &dialect) {
  dialect.addGroup<
#define GET_OP_LIST
#include "dialects/sinter/EncoderOps.cpp.inc"
      >();
}

LogicalResult EmbedRowsOp::verify() {
  if (getBy() != "position" && getBy() != "first")
    return emitOpError("chooses rows by '")
           << getBy() << "', expected position or first";
  return success();
}

LogicalResult EmbedRowsOp::verifySymbolUses(SymbolTableCollection &tables) {
  auto type = weightType(*this, getWeightAttr(), tables);
  if (failed(type))
    return failure();
  if (type->getRank() != 2 || type->getDimSize(1) != rowWidth(getResult()))
    return emitOpError("reads rows of ")
           << *type << " but gives " << getResult().getType();
  return success();
}

LogicalResult PoolOp::verify() {
  if (getKind() != "mean" && getKind() != "first")
    return emitOpError("pools by '")
           << getKind() << "', expected mean or first";
  return success();
}

/// Gelu is max(x, 0) - |x| / 2 * erfc(|x| / sqrt 2): no difference of nearly
/// equal numbers. erfc(z) = t · p(t) · exp(-z²), t = 1 / (1 + 0.3275911 z),
/// within 1.5e-7 (Abramowitz and Stegun 7.1.26).
static Value gelu(const Scalars &s, Value x) {
  constexpr double kHalves[] = {1.061405429 / 2, -1.453152027 / 2,
                                1.421413741 / 2, -0.284496736 / 2,
                                0.254829592 / 2};
  Value size = s.max(x, s.negate(x));
  Value below =
      s.add(s.mul(size, s.number(0.3275911 / std::sqrt(2.0))), s.number(1.0));
  Value t = s.div(s.number(1.0), below);
  Value sum = s.number(kHalves[0]);
  for (double half : llvm::drop_begin(kHalves))
    sum = s.add(s.mul(sum, t), s.number(half));
  Value power = s.exp(s.mul(s.mul(x, x), s.number(-0.5)));
  Value tail = s.mul(s.mul(sum, t), s.mul(power, size));
  return s.sub(s.max(x, s.number(0.0)), tail);
}

bool GeluErfOp::isActivation() { return true; }
bool GegluErfOp::isActivation() { return true; }

Value GeluErfOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  return gelu({b, loc}, x[0]);
}

Value GegluErfOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  Scalars s{b, loc};
  return s.mul(gelu(s, x[0]), x[1]);
}

Value TanhOp::formula(OpBuilder &b, Location loc, ValueRange x) {
  return Scalars{b, loc}.tanh(x[0]);
}
