/// Writes MLIR for the words of KernelBuilder.h.
#include "codegen/x86/KernelBuilder.h"

#include "runtime/ArtifactFormat.h"

#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"

#include <cstddef>
#include <numeric>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

KernelBuilder::KernelBuilder(ModuleOp module, StringRef name, const Isa &isa)
    : b(UnknownLoc::get(module.getContext()), module.getContext()), isa_(isa) {
  b.setInsertionPointToEnd(module.getBody());
  Type pointer = LLVM::LLVMPointerType::get(b.getContext());
  auto type =
      LLVM::LLVMFunctionType::get(LLVM::LLVMVoidType::get(b.getContext()),
                                  {pointer, pointer, i64(), i64()});
  function_ = b.create<LLVM::LLVMFuncOp>(name, type);
  // Without these LLVM splits 512-bit vectors or prefers narrower ones.
  StringRef width = isa.wide ? "512" : "256";
  auto pair = [&](StringRef key, StringRef value) -> Attribute {
    return b.getStrArrayAttr({key, value});
  };
  function_.setPassthroughAttr(b.getArrayAttr(
      {pair("prefer-vector-width", width),
       pair("min-legal-vector-width", width), pair("target-cpu", isa.cpu),
       pair("target-features", isa.features), b.getStringAttr("nounwind")}));
  Block *entry = function_.addEntryBlock(b);
  b.setInsertionPointToStart(entry);
  operands_ = entry->getArgument(0);
  batch_ = entry->getArgument(1);
  begin_ = entry->getArgument(2);
  end_ = entry->getArgument(3);
}

void KernelBuilder::finish() { b.create<LLVM::ReturnOp>(ValueRange()); }

Value KernelBuilder::operand(unsigned index) {
  return load(LLVM::LLVMPointerType::get(b.getContext()), operands_, 8 * index);
}

Value KernelBuilder::field(unsigned offset, Type type) {
  return load(type, batch_, offset);
}

/// Element `index` of an int32 array that `field` points at, as i64.
static Value element(KernelBuilder &k, Value array, Value index) {
  return k.loadIndex32(k.at(array, k.mul(index, 4)));
}

Value KernelBuilder::tokenCount() {
  return loadIndex32(batch_, offsetof(Batch, tokens));
}

Value KernelBuilder::outputCount() {
  return loadIndex32(batch_, offsetof(Batch, outputRows));
}

Value KernelBuilder::tokenId(Value token) {
  Type pointer = operands_.getType();
  return element(*this, field(offsetof(Batch, tokenIds), pointer), token);
}

Value KernelBuilder::position(Value token) {
  Type pointer = operands_.getType();
  return element(*this, field(offsetof(Batch, positions), pointer), token);
}

Value KernelBuilder::slot(Value token) {
  Type pointer = operands_.getType();
  return element(*this, field(offsetof(Batch, slots), pointer), token);
}

Value KernelBuilder::outputToken(Value row) {
  Type pointer = operands_.getType();
  return element(*this, field(offsetof(Batch, outputs), pointer), row);
}

Value KernelBuilder::page(Value slot, Value block) {
  Type pointer = operands_.getType();
  Value stride = field(offsetof(Batch, blockStride), i64());
  Value index = add(b.create<arith::MulIOp>(slot, stride), block);
  return element(*this, field(offsetof(Batch, blockTable), pointer), index);
}

Value KernelBuilder::index(int64_t value) {
  return b.create<arith::ConstantOp>(b.getI64IntegerAttr(value));
}

Value KernelBuilder::add(Value l, Value r) {
  return b.create<arith::AddIOp>(l, r);
}

Value KernelBuilder::mul(Value l, int64_t r) {
  return r == 1 ? l : b.create<arith::MulIOp>(l, index(r)).getResult();
}

Value KernelBuilder::div(Value l, int64_t r) {
  return r == 1 ? l : b.create<arith::DivUIOp>(l, index(r)).getResult();
}

Value KernelBuilder::rem(Value l, int64_t r) {
  return b.create<arith::RemUIOp>(l, index(r));
}

Value KernelBuilder::min(Value l, Value r) {
  return b.create<arith::MinSIOp>(l, r);
}

Value KernelBuilder::less(Value l, Value r) {
  return b.create<arith::CmpIOp>(arith::CmpIPredicate::slt, l, r);
}

Value KernelBuilder::equal(Value l, Value r) {
  return b.create<arith::CmpIOp>(arith::CmpIPredicate::eq, l, r);
}

Value KernelBuilder::at(Value pointer, int64_t bytes) {
  assert(llvm::isInt<32>(bytes) && "a constant offset has 32 bits");
  if (!bytes)
    return pointer;
  return b.create<LLVM::GEPOp>(pointer.getType(), b.getI8Type(), pointer,
                               ArrayRef<LLVM::GEPArg>{int32_t(bytes)});
}

Value KernelBuilder::at(Value pointer, Value bytes) {
  return b.create<LLVM::GEPOp>(pointer.getType(), b.getI8Type(), pointer,
                               ArrayRef<LLVM::GEPArg>{bytes});
}

/// Alignment that every address of this type has: its element's, because rows
/// and record parts are only as aligned as their elements.
static unsigned alignmentOf(Type type) {
  Type element = getElementTypeOrSelf(type);
  return llvm::isa<LLVM::LLVMPointerType>(element)
             ? 8
             : element.getIntOrFloatBitWidth() / 8;
}

Value KernelBuilder::load(Type type, Value pointer, int64_t bytes) {
  return b.create<LLVM::LoadOp>(type, at(pointer, bytes), alignmentOf(type));
}

void KernelBuilder::store(Value value, Value pointer, int64_t bytes) {
  b.create<LLVM::StoreOp>(value, at(pointer, bytes),
                          alignmentOf(value.getType()));
}

Value KernelBuilder::loadIndex32(Value pointer, int64_t bytes) {
  return b.create<arith::ExtSIOp>(i64(), load(i32(), pointer, bytes));
}

Values KernelBuilder::pinned(ValueRange values) {
  std::string constraints;
  for (size_t i = 0; i < values.size(); ++i)
    constraints += "=v,";
  for (size_t i = 0; i < values.size(); ++i)
    constraints += std::to_string(i) + ",";
  Type all = LLVM::LLVMStructType::getLiteral(
      b.getContext(), llvm::to_vector(values.getTypes()));
  Type result = values.size() == 1 ? values.front().getType() : all;
  Value pins = b.create<LLVM::InlineAsmOp>(
                    result, values, /*asm_string=*/"",
                    constraints + "~{memory}", /*has_side_effects=*/true,
                    /*is_align_stack=*/false, /*asm_dialect=*/nullptr,
                    /*operand_attrs=*/nullptr)
                   .getRes();
  if (values.size() == 1)
    return {pins};
  Values pinned;
  for (size_t i = 0; i < values.size(); ++i)
    pinned.push_back(b.create<LLVM::ExtractValueOp>(pins, i));
  return pinned;
}

void KernelBuilder::prefetch(Value pointer, int64_t bytes) {
  // LLVM's locality 3 is prefetcht0, which fills the first cache.
  unsigned locality = 4 - isa_.prefetchInto;
  b.create<LLVM::Prefetch>(at(pointer, bytes), /*rw=*/0, locality, /*data=*/1);
}

Value KernelBuilder::scratch(uint64_t bytes) {
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPointToStart(&function_.getBody().front());
  return b.create<LLVM::AllocaOp>(LLVM::LLVMPointerType::get(b.getContext()),
                                  b.getI8Type(), index(bytes), 64);
}

Value KernelBuilder::constantWords(StringRef name, ArrayRef<int32_t> words) {
  OpBuilder::InsertionGuard guard(b);
  auto module = function_->getParentOfType<ModuleOp>();
  auto global = module.lookupSymbol<LLVM::GlobalOp>(name);
  if (!global) {
    b.setInsertionPointToStart(module.getBody());
    auto values = DenseElementsAttr::get(
        RankedTensorType::get(words.size(), i32()), words);
    global = b.create<LLVM::GlobalOp>(
        LLVM::LLVMArrayType::get(i32(), words.size()), /*isConstant=*/true,
        LLVM::Linkage::Internal, name, values, /*alignment=*/64);
  }
  b.setInsertionPointToStart(&function_.getBody().front());
  return b.create<LLVM::AddressOfOp>(global);
}

Value KernelBuilder::constant(unsigned lanes, float value) {
  return b.create<arith::ConstantOp>(
      DenseElementsAttr::get(vec(lanes, f32()), value));
}

Value KernelBuilder::constant(unsigned lanes, int32_t value) {
  return b.create<arith::ConstantOp>(
      DenseElementsAttr::get(vec(lanes, i32()), value));
}

/// `value` as a constant of `type`, an element or a vector of it.
static Value constantOf(ImplicitLocOpBuilder &b, Type type, Attribute value) {
  if (auto vector = dyn_cast<VectorType>(type))
    value = DenseElementsAttr::get(vector, value);
  return b.create<arith::ConstantOp>(cast<TypedAttr>(value));
}

Value KernelBuilder::constantLike(Value like, float value) {
  return constantOf(b, like.getType(), b.getF32FloatAttr(value));
}

Value KernelBuilder::constantLike(Value like, int32_t value) {
  return constantOf(b, like.getType(), b.getI32IntegerAttr(value));
}

Value KernelBuilder::splat(Value scalar, unsigned lanes) {
  return b.create<vector::BroadcastOp>(vec(lanes, scalar.getType()), scalar);
}

Value KernelBuilder::loadSplat(unsigned lanes, Type element, Value pointer,
                               int64_t bytes) {
  return splat(load(element, pointer, bytes), lanes);
}

Value KernelBuilder::fma(Value x, Value y, Value z) {
  return b.create<math::FmaOp>(x, y, z);
}

Value KernelBuilder::mulf(Value x, Value y) {
  return b.create<arith::MulFOp>(x, y);
}

Value KernelBuilder::addf(Value x, Value y) {
  return b.create<arith::AddFOp>(x, y);
}

Value KernelBuilder::subf(Value x, Value y) {
  return b.create<arith::SubFOp>(x, y);
}

Value KernelBuilder::divf(Value x, Value y) {
  return b.create<arith::DivFOp>(x, y);
}

Value KernelBuilder::maxf(Value x, Value y) {
  return b.create<arith::MaxNumFOp>(x, y, arith::FastMathFlags::nnan);
}

Value KernelBuilder::shiftRight(Value v, unsigned bits) {
  if (!bits)
    return v;
  return b.create<arith::ShRUIOp>(v, constantLike(v, int32_t(bits)));
}

Value KernelBuilder::shiftLeft(Value v, unsigned bits) {
  if (!bits)
    return v;
  return b.create<arith::ShLIOp>(v, constantLike(v, int32_t(bits)));
}

Value KernelBuilder::andBits(Value v, uint32_t mask) {
  return b.create<arith::AndIOp>(v, constantLike(v, int32_t(mask)));
}

Value KernelBuilder::orBits(Value x, Value y) {
  return b.create<arith::OrIOp>(x, y);
}

Value KernelBuilder::toFloat(Value ints) {
  Type type = f32();
  if (auto vector = dyn_cast<VectorType>(ints.getType()))
    type = vec(vector.getNumElements(), type);
  return b.create<arith::SIToFPOp>(type, ints);
}

Value KernelBuilder::bitcast(Value v, Type type) {
  return llvm::isa<VectorType>(type) && llvm::isa<VectorType>(v.getType())
             ? b.create<vector::BitCastOp>(cast<VectorType>(type), v)
                   .getResult()
             : b.create<LLVM::BitcastOp>(type, v).getResult();
}

Type KernelBuilder::plainElement(PlainType plain) {
  switch (plain) {
  case PlainType::F32:
    return f32();
  case PlainType::F16:
    return b.getF16Type();
  case PlainType::BF16:
    return b.getBF16Type();
  case PlainType::None:
    break;
  }
  llvm_unreachable("not a plain format");
}

unsigned KernelBuilder::lanesFor(unsigned width) const {
  return std::gcd(width, isa_.lanes());
}

Value KernelBuilder::loadFloats(unsigned lanes, Type element, Value pointer,
                                int64_t bytes) {
  if (element.isF32())
    return load(vec(lanes, element), pointer, bytes);
  if (element.isF16())
    return b.create<arith::ExtFOp>(vec(lanes, f32()),
                                   load(vec(lanes, element), pointer, bytes));
  // A bfloat16 is the upper half of a float32.
  Value half = load(vec(lanes, b.getI16Type()), pointer, bytes);
  Value wide = b.create<arith::ExtUIOp>(vec(lanes, i32()), half);
  return bitcast(shiftLeft(wide, 16), vec(lanes, f32()));
}

Value KernelBuilder::loadBytes(unsigned lanes, Value pointer, int64_t bytes) {
  Value raw = load(vec(lanes, b.getI8Type()), pointer, bytes);
  return b.create<arith::ExtUIOp>(vec(lanes, i32()), raw);
}

Value KernelBuilder::sumLanes(Value v) {
  // Halves are added until one lane is left: a fixed order, unlike the
  // sequential or reassociated reductions of LLVM.
  unsigned lanes = cast<VectorType>(v.getType()).getNumElements();
  bool floats = getElementTypeOrSelf(v.getType()).isF32();
  for (; lanes > 1; lanes /= 2) {
    Value low = slice(v, 0, lanes / 2), high = slice(v, lanes / 2, lanes / 2);
    v = floats ? addf(low, high)
               : b.create<arith::AddIOp>(low, high).getResult();
  }
  return b.create<vector::ExtractOp>(v, 0);
}

Value KernelBuilder::maxLanes(Value v) {
  for (unsigned lanes = cast<VectorType>(v.getType()).getNumElements();
       lanes > 1; lanes /= 2)
    v = maxf(slice(v, 0, lanes / 2), slice(v, lanes / 2, lanes / 2));
  return b.create<vector::ExtractOp>(v, 0);
}

Value KernelBuilder::shuffle(Value x, Value y, ArrayRef<int64_t> mask) {
  return b.create<vector::ShuffleOp>(x, y, mask);
}

Value KernelBuilder::slice(Value v, unsigned first, unsigned lanes) {
  return b.create<vector::ExtractStridedSliceOp>(v, ArrayRef<int64_t>{first},
                                                 ArrayRef<int64_t>{lanes},
                                                 ArrayRef<int64_t>{1});
}

Value KernelBuilder::concat(Value low, Value high) {
  unsigned lanes = cast<VectorType>(low.getType()).getNumElements();
  SmallVector<int64_t> mask(2 * lanes);
  for (unsigned i = 0; i < 2 * lanes; ++i)
    mask[i] = i;
  return shuffle(low, high, mask);
}

void KernelBuilder::loop(Value from, Value to, int64_t step,
                         function_ref<void(Value)> body) {
  b.create<scf::ForOp>(from, to, index(step), ValueRange(),
                       [&](OpBuilder &inner, Location, Value i, ValueRange) {
                         OpBuilder::InsertionGuard guard(b);
                         b.restoreInsertionPoint(inner.saveInsertionPoint());
                         body(i);
                         b.create<scf::YieldOp>();
                       });
}

Values KernelBuilder::loop(Value from, Value to, int64_t step, ValueRange start,
                           function_ref<Values(Value, ValueRange)> body) {
  auto loop = b.create<scf::ForOp>(
      from, to, index(step), start,
      [&](OpBuilder &inner, Location, Value i, ValueRange carried) {
        OpBuilder::InsertionGuard guard(b);
        b.restoreInsertionPoint(inner.saveInsertionPoint());
        b.create<scf::YieldOp>(body(i, carried));
      });
  return Values(loop.getResults());
}

void KernelBuilder::when(Value condition, function_ref<void()> then,
                         function_ref<void()> otherwise) {
  auto branch = b.create<scf::IfOp>(condition, bool(otherwise));
  OpBuilder::InsertionGuard guard(b);
  b.setInsertionPoint(branch.thenBlock()->getTerminator());
  then();
  if (!otherwise)
    return;
  b.setInsertionPoint(branch.elseBlock()->getTerminator());
  otherwise();
}

Value KernelBuilder::intrinsic(StringRef name, Type result,
                               ValueRange arguments) {
  return b
      .create<LLVM::CallIntrinsicOp>(result, b.getStringAttr(name), arguments,
                                     LLVM::FastmathFlagsAttr())
      .getResults();
}
