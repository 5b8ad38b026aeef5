/// Emits the conversions of E4M3, by way of integers and of float16, whose
/// exponents begin 8 lower: the same bits, seven places higher, are a number
/// 2^8 times as small, and what is subnormal is so in both.
#include "codegen/x86/E4m3.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// Bits of a float32's mantissa that E4M3 does not have.
static constexpr unsigned kDropped = 20;

Value x86::toE4m3(KernelBuilder &k, Value numbers) {
  auto &ops = k.ops();
  unsigned lanes = cast<VectorType>(numbers.getType()).getNumElements();
  auto words = k.vec(lanes, k.i32());
  Value magnitude = ops.create<arith::MinNumFOp>(
      ops.create<math::AbsFOp>(numbers), k.constant(lanes, 448.0f));
  // From 2^-6 on: half of the last bit is added, less where a tie is even.
  Value bits = k.bitcast(magnitude, words);
  Value odd = k.andBits(k.shiftRight(bits, kDropped), 1);
  Value half = k.add(k.add(bits, odd),
                     k.constant(lanes, int32_t((1 << (kDropped - 1)) - 1)));
  Value normal = k.add(k.shiftRight(half, kDropped),
                       k.constant(lanes, int32_t(-((127 - 7) << 3))));
  // Below: multiples of 2^-9, of which eight are the first of those.
  Value steps = ops.create<math::RoundEvenOp>(
      k.mulf(magnitude, k.constant(lanes, 512.0f)));
  Value small = ops.create<arith::CmpFOp>(arith::CmpFPredicate::OLT, magnitude,
                                          k.constant(lanes, 0x1p-6f));
  Value code = ops.create<arith::SelectOp>(
      small, ops.create<arith::FPToSIOp>(words, steps), normal);
  Value sign = k.andBits(k.shiftRight(k.bitcast(numbers, words), 24), 0x80);
  return k.orBits(code, sign);
}

Value x86::fromE4m3(KernelBuilder &k, Value words, Value number) {
  auto &ops = k.ops();
  unsigned lanes = cast<VectorType>(words.getType()).getNumElements();
  Value left =
      ops.create<arith::TruncIOp>(k.i32(), k.add(k.mul(number, -8), 24));
  Value top = ops.create<arith::ShLIOp>(words, k.splat(left, lanes));
  // The sign is bit 15 and, to be cleared, bit 14.
  Value spread =
      ops.create<arith::ShRSIOp>(top, k.constant(lanes, int32_t(17)));
  Value bits = ops.create<arith::TruncIOp>(k.vec(lanes, ops.getI16Type()),
                                           k.andBits(spread, 0xbf80));
  Value halves = k.bitcast(bits, k.vec(lanes, ops.getF16Type()));
  Value wide = ops.create<arith::ExtFOp>(k.vec(lanes, k.f32()), halves);
  return k.mulf(wide, k.constant(lanes, 256.0f));
}
