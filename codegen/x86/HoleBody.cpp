/// Emits hole bodies as vector ops, with our own exponential.
#include "codegen/x86/HoleBody.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

Value x86::emitExp(KernelBuilder &k, Value x) {
  // exp(x) = 2^n · exp(r), n = round(x / ln 2), |r| ≤ ln 2 / 2; ln 2 in two
  // parts keeps r exact (Cody and Waite). The polynomial is Taylor's to r^7:
  // its error, below 2^-26, is under the rounding of the result.
  static constexpr float kTaylor[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120,
                                      1.0f / 24,   1.0f / 6,   0.5f,
                                      1.0f,        1.0f};
  auto like = [&](float value) { return k.constantLike(x, value); };
  auto &ops = k.ops();
  Value low =
      ops.create<arith::CmpFOp>(arith::CmpFPredicate::OLT, x, like(-87.3f));
  Value safe =
      ops.create<arith::MinNumFOp>(k.maxf(x, like(-87.3f)), like(88.0f));
  Value n =
      ops.create<math::RoundEvenOp>(k.mulf(safe, like(1.44269504088896341f)));
  Value r = k.fma(n, like(-0.693359375f), safe);
  r = k.fma(n, like(2.12194440e-4f), r);
  Value p = like(kTaylor[0]);
  for (float coefficient : llvm::drop_begin(kTaylor))
    p = k.fma(p, r, like(coefficient));
  unsigned lanes = cast<VectorType>(x.getType()).getNumElements();
  auto ints = k.vec(lanes, k.i32());
  Value exponent = ops.create<arith::FPToSIOp>(ints, n);
  Value power =
      k.bitcast(k.shiftLeft(k.add(exponent, k.constantLike(exponent, 127)), 23),
                x.getType());
  return ops.create<arith::SelectOp>(low, like(0.0f), k.mulf(p, power));
}

Value x86::emitTanh(KernelBuilder &k, Value x) {
  // 1 - 2 / (exp(2x) + 1); above 44 the exponential is cut off, which the
  // rounding of the result hides.
  auto like = [&](float value) { return k.constantLike(x, value); };
  Value power = emitExp(k, k.addf(x, x));
  return k.subf(like(1.0f), k.divf(like(2.0f), k.addf(power, like(1.0f))));
}

Value x86::emitBody(KernelBuilder &k, Region &body, ValueRange arguments) {
  if (body.empty())
    return arguments.front();
  IRMapping mapping;
  mapping.map(body.getArguments(), arguments);
  auto vector = cast<VectorType>(arguments.front().getType());
  for (Operation &op : body.front()) {
    if (auto yield = dyn_cast<tile::YieldOp>(op))
      return mapping.lookup(yield.getValue());
    if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
      auto value = cast<FloatAttr>(constant.getValue());
      mapping.map(
          constant.getResult(),
          k.constant(vector.getNumElements(), float(value.getValueAsDouble())));
      continue;
    }
    if (auto exp = dyn_cast<math::ExpOp>(op)) {
      mapping.map(exp.getResult(),
                  emitExp(k, mapping.lookup(exp.getOperand())));
      continue;
    }
    if (auto tanh = dyn_cast<math::TanhOp>(op)) {
      mapping.map(tanh.getResult(),
                  emitTanh(k, mapping.lookup(tanh.getOperand())));
      continue;
    }
    SmallVector<Value> operands;
    for (Value operand : op.getOperands())
      operands.push_back(mapping.lookup(operand));
    OperationState state(k.ops().getLoc(), op.getName());
    state.addOperands(operands);
    state.addTypes(vector);
    state.addAttributes(op.getAttrs());
    mapping.map(op.getResult(0), k.ops().create(state)->getResult(0));
  }
  llvm_unreachable("the verifier demands a yield");
}
