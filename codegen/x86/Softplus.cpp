/// Logarithm by series, since kernels link no mathematical library.
#include "codegen/x86/Softplus.h"

#include "codegen/x86/HoleBody.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// ln(y) for y from 1 on: y = m · 2^n with m in [√½, √2), and
/// ln(m) = 2 · artanh(s), s = (m - 1) / (m + 1), |s| < 0.172; the first term
/// left out, s^11 / 11, is below 2^-31.
static Value emitLog(KernelBuilder &k, Value y) {
  auto vector = cast<VectorType>(y.getType());
  auto ints = k.vec(vector.getNumElements(), k.i32());
  auto like = [&](float value) { return k.constantLike(y, value); };
  Value bits = k.bitcast(y, ints);
  // Subtracting √½'s bits makes the exponent field that of y / √½.
  Value root = k.constantLike(bits, int32_t(0x3f3504f3));
  Value over = k.ops().create<arith::SubIOp>(bits, root);
  Value n =
      k.ops().create<arith::ShRSIOp>(over, k.constantLike(bits, int32_t(23)));
  Value mantissaBits = k.ops().create<arith::SubIOp>(bits, k.shiftLeft(n, 23));
  Value m = k.bitcast(mantissaBits, vector);
  Value s = k.divf(k.subf(m, like(1.0f)), k.addf(m, like(1.0f)));
  Value s2 = k.mulf(s, s);
  Value series = like(2.0f / 9);
  for (float coefficient : {2.0f / 7, 2.0f / 5, 2.0f / 3, 2.0f})
    series = k.fma(series, s2, like(coefficient));
  Value exponent = k.toFloat(n);
  Value low = k.fma(s, series, k.mulf(exponent, like(-2.12194440e-4f)));
  return k.fma(exponent, like(0.693359375f), low);
}

Value x86::emitSoftplus(KernelBuilder &k, Value x) {
  auto like = [&](float value) { return k.constantLike(x, value); };
  auto &ops = k.ops();
  Value e = emitExp(k, x);
  // ln(1 + e) = ln(y) · e / (y - 1) makes up for what y = 1 + e rounds away
  // (Goldberg 1991, theorem 4).
  Value y = k.addf(e, like(1.0f));
  Value rest = k.subf(y, like(1.0f));
  Value tiny =
      ops.create<arith::CmpFOp>(arith::CmpFPredicate::OEQ, rest, like(0.0f));
  Value divisor = ops.create<arith::SelectOp>(tiny, like(1.0f), rest);
  Value exact = k.divf(k.mulf(emitLog(k, y), e), divisor);
  Value log = ops.create<arith::SelectOp>(tiny, e, exact);
  Value large =
      ops.create<arith::CmpFOp>(arith::CmpFPredicate::OGT, x, like(20.0f));
  return ops.create<arith::SelectOp>(large, x, log);
}

/// x / (1 + exp(-y)).
static Value gated(KernelBuilder &k, Value x, Value y) {
  Value negative = k.ops().create<arith::NegFOp>(y);
  return k.divf(x, k.addf(k.constantLike(y, 1.0f), emitExp(k, negative)));
}

Value x86::emitSigmoid(KernelBuilder &k, Value x) {
  return gated(k, k.constantLike(x, 1.0f), x);
}

Value x86::emitSilu(KernelBuilder &k, Value x) { return gated(k, x, x); }
