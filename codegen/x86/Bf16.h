/// bfloat16 as the kernels need it: rounded from float32, multiplied in pairs.
#ifndef SINTER_CODEGEN_X86_BF16_H
#define SINTER_CODEGEN_X86_BF16_H

#include "codegen/x86/KernelBuilder.h"

#include "llvm/Support/Error.h"

namespace sinter::x86 {

/// Numbers, or vectors of them, rounded to the nearest.
inline Value toBf16(KernelBuilder &k, Value v) {
  Type type = k.ops().getBF16Type();
  if (auto vector = mlir::dyn_cast<mlir::VectorType>(v.getType()))
    type = k.vec(vector.getNumElements(), type);
  return k.ops().create<mlir::arith::TruncFOp>(type, v);
}

/// sums + the products of two numbers in each 32-bit lane of `x` and `y`
/// (vectors of 32 bits): needs Isa::bf16Dot.
inline Value dotPairs(KernelBuilder &k, Value sums, Value x, Value y) {
  unsigned lanes =
      mlir::cast<mlir::VectorType>(sums.getType()).getNumElements();
  Type pairs = k.vec(2 * lanes, k.ops().getBF16Type());
  llvm::StringRef name = lanes == 16  ? "llvm.x86.avx512bf16.dpbf16ps.512"
                         : lanes == 8 ? "llvm.x86.avx512bf16.dpbf16ps.256"
                                      : "llvm.x86.avx512bf16.dpbf16ps.128";
  return k.intrinsic(name, sums.getType(),
                     {sums, k.bitcast(x, pairs), k.bitcast(y, pairs)});
}

/// A kernel over a cache of pairs for a target that does not multiply them.
inline llvm::Error bf16CacheError() {
  return llvm::createStringError(
      "a cache of bf16, which the target has no products for (avx512bf16)");
}

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_BF16_H
