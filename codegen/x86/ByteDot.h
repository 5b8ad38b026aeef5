/// Multiplies unsigned weight bytes by signed activation bytes and adds groups
/// of four to 32-bit lanes: exactly, on every instruction set.
#ifndef SINTER_CODEGEN_X86_BYTEDOT_H
#define SINTER_CODEGEN_X86_BYTEDOT_H

#include "codegen/x86/KernelBuilder.h"

namespace sinter::x86 {

/// A growing sum of such products, in 32-bit lanes. Without VNNI pairs of
/// products are 16-bit integers; as many of those as fit are added before they
/// are widened.
class ByteDot32 {
public:
  ByteDot32() = default;
  explicit ByteDot32(Value start) : sums(start) {}

  /// Adds Σ₄ weights·activations: unsigned bytes of at most `largest`, and
  /// signed bytes in -127..127, both in 32-bit lanes as wide as the sum.
  void add(KernelBuilder &k, Value weights, Value activations,
           unsigned largest);

  /// The same with weights less 128, hence signed. AVX2 only: `vpsignb` has no
  /// wider form.
  void addSigned(KernelBuilder &k, Value weights, Value activations);
  Value finish(KernelBuilder &k);

  /// KernelBuilder::pinned() for all of `dots`.
  static void pin(KernelBuilder &k, llvm::MutableArrayRef<ByteDot32> dots);

private:
  void addPairs(KernelBuilder &k, Value weights, Value activations,
                unsigned largest);
  void widen(KernelBuilder &k);

  Value sums, pairs;
  unsigned added = 0; ///< to pairs
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_BYTEDOT_H
