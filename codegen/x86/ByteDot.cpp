/// Emits byte dot products with VNNI or with the older multiply-add pairs.
#include "codegen/x86/ByteDot.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// Sums of adjacent pairs of products, as 16-bit integers, then of pairs of
/// those. The first step saturates at 2^15-1, so bytes above 127 are cut in two
/// parts: 127·127·2 and 128·127·2 both fit.
static Value maddDot(KernelBuilder &k, Value sums, Value weights,
                     Value activations, unsigned largest) {
  bool wide = k.isa().dot == ByteDot::Madd512;
  unsigned lanes = cast<VectorType>(sums.getType()).getNumElements();
  Type bytes = k.vec(4 * lanes, k.ops().getI8Type());
  auto words = k.vec(2 * lanes, k.ops().getI16Type());
  Value ones = k.ops().create<arith::ConstantOp>(
      DenseElementsAttr::get(words, int16_t(1)));
  StringRef pairs =
      wide ? "llvm.x86.avx512.pmaddubs.w.512" : "llvm.x86.avx2.pmadd.ub.sw";
  StringRef quads =
      wide ? "llvm.x86.avx512.pmaddw.d.512" : "llvm.x86.avx2.pmadd.wd";
  auto addPart = [&](Value part) {
    Value products = k.intrinsic(
        pairs, words, {k.bitcast(part, bytes), k.bitcast(activations, bytes)});
    Value four = k.intrinsic(quads, sums.getType(), {products, ones});
    sums = k.add(sums, four);
  };
  if (largest <= 127) {
    addPart(weights);
    return sums;
  }
  addPart(k.andBits(weights, 0x7f7f7f7fu));
  addPart(k.andBits(weights, 0x80808080u));
  return sums;
}

Value x86::byteDot(KernelBuilder &k, Value sums, Value weights,
                   Value activations, unsigned largest) {
  switch (k.isa().dot) {
  case ByteDot::Vnni512:
    return k.intrinsic("llvm.x86.avx512.vpdpbusd.512", sums.getType(),
                       {sums, weights, activations});
  case ByteDot::Vnni256:
    return k.intrinsic("llvm.x86.avx512.vpdpbusd.256", sums.getType(),
                       {sums, weights, activations});
  case ByteDot::Madd512:
  case ByteDot::Madd256:
    return maddDot(k, sums, weights, activations, largest);
  }
  llvm_unreachable("every dot is one of these");
}
