/// Emits byte dot products with VNNI or with the older multiply-add pairs.
#include "codegen/x86/ByteDot.h"

#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

static Type wordsOf(KernelBuilder &k, Value sums) {
  unsigned lanes = cast<VectorType>(sums.getType()).getNumElements();
  return k.vec(2 * lanes, k.ops().getI16Type());
}

void ByteDot32::widen(KernelBuilder &k) {
  if (!added)
    return;
  bool wide = k.isa().dot == ByteDot::Madd512;
  Value ones = k.ops().create<arith::ConstantOp>(
      DenseElementsAttr::get(cast<ShapedType>(wordsOf(k, sums)), int16_t(1)));
  StringRef name =
      wide ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
  sums = k.add(sums, k.intrinsic(name, sums.getType(), {pairs, ones}));
  added = 0;
}

void ByteDot32::addPairs(KernelBuilder &k, Value weights, Value activations,
                         unsigned largest) {
  bool wide = k.isa().dot == ByteDot::Madd512;
  unsigned lanes = cast<VectorType>(sums.getType()).getNumElements();
  Type bytes = k.vec(4 * lanes, k.ops().getI8Type());
  StringRef name =
      wide ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw";
  Value products =
      k.intrinsic(name, wordsOf(k, sums),
                  {k.bitcast(weights, bytes), k.bitcast(activations, bytes)});
  pairs = added ? k.add(pairs, products) : products;
  unsigned fit = 32767 / (2 * 127 * largest);
  if (++added >= fit)
    widen(k);
}

/// A pair of two products of at most 128·127 fits 16 bits, which one of bytes
/// up to 255 does not: half the multiplications of cutting those in two.
void ByteDot32::addSigned(KernelBuilder &k, Value weights, Value activations) {
  unsigned lanes = cast<VectorType>(sums.getType()).getNumElements();
  auto bytes = k.vec(4 * lanes, k.ops().getI8Type());
  Value flip = k.constantLike(weights, int32_t(0x80808080u));
  Value codes = k.bitcast(k.ops().create<arith::XOrIOp>(weights, flip), bytes);
  Value turned = k.intrinsic("llvm.x86.avx2.psign.b", bytes,
                             {k.bitcast(activations, bytes), codes});
  addPairs(k, k.ops().create<math::AbsIOp>(codes), turned, 128);
}

void ByteDot32::add(KernelBuilder &k, Value weights, Value activations,
                    unsigned largest) {
  switch (k.isa().dot) {
  case ByteDot::Vnni512:
    sums = k.intrinsic("llvm.x86.avx512.vpdpbusd.512", sums.getType(),
                       {sums, weights, activations});
    return;
  case ByteDot::Vnni256:
    sums = k.intrinsic("llvm.x86.avx512.vpdpbusd.256", sums.getType(),
                       {sums, weights, activations});
    return;
  case ByteDot::Madd512:
  case ByteDot::Madd256:
    if (largest <= 127)
      return addPairs(k, weights, activations, largest);
    // A pair of larger products saturates, so bytes are cut in two parts:
    // 127·127·2 and 128·127·2 both fit.
    addPairs(k, k.andBits(weights, 0x7f7f7f7fu), activations, 127);
    addPairs(k, k.andBits(weights, 0x80808080u), activations, 128);
    return;
  }
  llvm_unreachable("every dot is one of these");
}

Value ByteDot32::finish(KernelBuilder &k) {
  widen(k);
  return sums;
}

void ByteDot32::pin(KernelBuilder &k, MutableArrayRef<ByteDot32> dots) {
  Values sums;
  for (ByteDot32 &dot : dots)
    sums.push_back(dot.sums);
  for (auto [dot, sum] : llvm::zip(dots, k.pinned(sums)))
    dot.sums = sum;
}
