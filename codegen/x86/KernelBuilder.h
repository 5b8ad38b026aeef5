/// The words that the x86 emitters write kernels with: addresses in bytes,
/// vectors of 32-bit lanes, loops, and the few operations that depend on the
/// instruction set. Everything becomes MLIR (arith, vector, scf, llvm).
#ifndef SINTER_CODEGEN_X86_KERNELBUILDER_H
#define SINTER_CODEGEN_X86_KERNELBUILDER_H

#include "codegen/x86/Isa.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace sinter::x86 {

using mlir::Type;
using mlir::Value;
using mlir::ValueRange;
using Values = llvm::SmallVector<Value>;

class KernelBuilder {
public:
  /// Opens `void name(ptr operands, ptr batch, i64 begin, i64 end)` in
  /// `module` and writes at its start.
  KernelBuilder(mlir::ModuleOp module, llvm::StringRef name, const Isa &isa);

  /// Ends the function.
  void finish();

  const Isa &isa() const { return isa_; }
  mlir::ImplicitLocOpBuilder &ops() { return b; }
  Value begin() const { return begin_; }
  Value end() const { return end_; }

  /// Pointer operand `index` of the launch.
  Value operand(unsigned index);

  // Fields of the Batch (runtime/ArtifactFormat.h).
  Value tokenCount();                  ///< i64
  Value outputCount();                 ///< i64
  Value tokenId(Value token);          ///< i64
  Value position(Value token);         ///< i64
  Value slot(Value token);             ///< i64
  Value outputToken(Value row);        ///< i64
  Value page(Value slot, Value block); ///< i64, index of a cache page

  // Types.
  Type f32() { return b.getF32Type(); }
  Type i32() { return b.getI32Type(); }
  Type i64() { return b.getI64Type(); }
  mlir::VectorType vec(unsigned lanes, Type element) {
    return mlir::VectorType::get(lanes, element);
  }

  // Constants and 64-bit index arithmetic.
  Value index(int64_t value);
  Value add(Value l, Value r);
  Value add(Value l, int64_t r) { return r ? add(l, index(r)) : l; }
  Value mul(Value l, int64_t r);
  Value div(Value l, int64_t r); ///< non-negative operands
  Value rem(Value l, int64_t r); ///< non-negative operands
  Value min(Value l, Value r);
  Value less(Value l, Value r);
  Value equal(Value l, Value r);

  // Memory. Offsets are bytes.
  Value at(Value pointer, int64_t bytes);
  Value at(Value pointer, Value bytes);
  Value load(Type type, Value pointer, int64_t bytes = 0);
  void store(Value value, Value pointer, int64_t bytes = 0);
  Value loadIndex32(Value pointer, int64_t bytes = 0); ///< i32 as i64
  /// The same vectors, computed and in registers before any later load: what
  /// LLVM would move across, it must not. No instruction.
  Values pinned(ValueRange values);
  void prefetch(Value pointer, int64_t bytes);
  /// Stack space of this call, 64-byte aligned; not to be used in a loop.
  Value scratch(uint64_t bytes);
  /// Address of a constant table of the kernel, made once for each name.
  Value constantWords(llvm::StringRef name, llvm::ArrayRef<int32_t> words);

  // Vectors. `splat` repeats a scalar; `loadSplat` one in memory, which x86
  // folds into the operation that uses it.
  Value constant(unsigned lanes, float value);
  Value constant(unsigned lanes, int32_t value);
  /// A constant of the type of `like`, scalar or vector.
  Value constantLike(Value like, float value);
  Value constantLike(Value like, int32_t value);
  Value splat(Value scalar, unsigned lanes);
  Value loadSplat(unsigned lanes, Type element, Value pointer, int64_t bytes);
  Value fma(Value a, Value b, Value c);
  Value mulf(Value a, Value b);
  Value addf(Value a, Value b);
  Value subf(Value a, Value b);
  Value divf(Value a, Value b);
  Value maxf(Value a, Value b);             ///< numbers, not NaN
  Value shiftRight(Value v, unsigned bits); ///< logical
  Value shiftLeft(Value v, unsigned bits);
  Value andBits(Value v, uint32_t mask);
  Value orBits(Value a, Value b);
  Value toFloat(Value ints);
  Value bitcast(Value v, Type type);
  /// The element type of plain weights.
  Type plainElement(PlainType plain);
  /// The widest vector, up to a register, that divides `width`.
  unsigned lanesFor(unsigned width) const;
  /// `lanes` numbers of `element` (f16, bf16, f32) in memory as float32.
  Value loadFloats(unsigned lanes, Type element, Value pointer,
                   int64_t bytes = 0);
  /// `lanes` bytes in memory as unsigned 32-bit lanes.
  Value loadBytes(unsigned lanes, Value pointer, int64_t bytes = 0);
  Value sumLanes(Value v);
  Value maxLanes(Value v); ///< numbers, not NaN
  Value shuffle(Value a, Value b, llvm::ArrayRef<int64_t> mask);
  Value slice(Value v, unsigned first, unsigned lanes);
  Value concat(Value low, Value high);

  // Loops and conditions over i64.
  void loop(Value from, Value to, int64_t step,
            llvm::function_ref<void(Value)> body);
  Values loop(Value from, Value to, int64_t step, ValueRange start,
              llvm::function_ref<Values(Value, ValueRange)> body);
  void when(Value condition, llvm::function_ref<void()> then,
            llvm::function_ref<void()> otherwise = nullptr);

  /// Calls LLVM intrinsic `name`.
  Value intrinsic(llvm::StringRef name, Type result, ValueRange arguments);

private:
  Value field(unsigned offset, Type type);

  mlir::ImplicitLocOpBuilder b;
  const Isa &isa_;
  mlir::LLVM::LLVMFuncOp function_;
  Value operands_, batch_, begin_, end_;
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_KERNELBUILDER_H
