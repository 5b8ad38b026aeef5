/// Emits the decoding of grid formats with byte permutes: where AVX-512 VBMI is
/// there, a point's codes come out of tables in registers, for 16 rows and four
/// points at once, and no word is loaded by its number.
///
/// A byte of a table has the codes of one quad of a point of eight weights, two
/// bits each, or of half a quad of a point of four, a nibble each. A permute of
/// two registers knows 128 entries; more are blended, bit after bit of the
/// number.
#include "codegen/x86/GridDecode.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

static constexpr unsigned kBytes = 64;

static VectorType byteType(KernelBuilder &k) {
  return k.vec(kBytes, k.ops().getI8Type());
}

static Value byteConstant(KernelBuilder &k, ArrayRef<int8_t> bytes) {
  return k.ops().create<arith::ConstantOp>(
      DenseElementsAttr::get(byteType(k), bytes));
}

/// Bytes of `lanes` that begin at the bits `at(byte of a lane)` of each lane.
static Value shiftBytes(KernelBuilder &k, Value lanes,
                        llvm::function_ref<unsigned(unsigned)> at) {
  SmallVector<int8_t> control;
  for (unsigned i = 0; i < kBytes; ++i)
    control.push_back(int8_t((at(i % 4) + i / 4 % 2 * 32) % 64));
  Value bytes = k.bitcast(lanes, byteType(k));
  Value shifted = k.intrinsic("llvm.x86.avx512.pmultishift.qb.512", byteType(k),
                              {byteConstant(k, control), bytes});
  return k.bitcast(shifted, lanes.getType());
}

/// Which bytes of `line` have bit `bit`.
static Value testBit(KernelBuilder &k, Value line, unsigned bit) {
  SmallVector<int8_t> mask(kBytes, int8_t(1u << bit)), none(kBytes, 0);
  Value bytes = k.bitcast(line, byteType(k));
  Value masked = k.ops().create<arith::AndIOp>(bytes, byteConstant(k, mask));
  return k.ops().create<arith::CmpIOp>(arith::CmpIPredicate::ne, masked,
                                       byteConstant(k, none));
}

/// Which of the four point numbers of `line` have bit `bit`.
Value GridDecoder::testIndexBit(unsigned line, unsigned bit) {
  if (bit < 8)
    return testBit(k, indexLine(line), bit);
  if (layout_.spare == SpareBits::Index)
    return testBit(
        k, shiftBytes(k, halfLine(), [](unsigned i) { return 25 + 2 * i; }), 0);
  unsigned four = unit_ * layout_.indexLines + line;
  const Plane *plane = layout_.indexPlanes.data();
  while (plane->lowBit + plane->bits <= bit - 8)
    ++plane;
  return testBit(k, this->line(plane->offset + four % plane->lines * kBytes),
                 four / plane->lines * plane->bits + bit - 8 - plane->lowBit);
}

/// Byte `part` of the codes of the four points whose numbers `line` has.
Value GridDecoder::permutedCodes(unsigned line, unsigned part) {
  Value &codes = points_[2 * line + part];
  if (codes)
    return codes;
  Value index = k.bitcast(indexLine(line), byteType(k));
  Values found;
  for (unsigned first = 0; first < 1u << form().indexBits; first += 128) {
    SmallVector<int8_t> bytes;
    for (unsigned i = 0; i < 128; ++i)
      bytes.push_back(int8_t(form().points[first + i] >> (8 * part)));
    found.push_back(
        k.intrinsic("llvm.x86.avx512.vpermi2var.qi.512", byteType(k),
                    {byteConstant(k, ArrayRef(bytes).take_front(kBytes)), index,
                     byteConstant(k, ArrayRef(bytes).drop_front(kBytes))}));
  }
  for (unsigned bit = 7; found.size() > 1; ++bit) {
    Value upper = testIndexBit(line, bit);
    for (unsigned i = 0; i < found.size() / 2; ++i)
      found[i] = k.ops().create<arith::SelectOp>(upper, found[2 * i + 1],
                                                 found[2 * i]);
    found.resize(found.size() / 2);
  }
  return codes = k.bitcast(found.front(), indexLine(line).getType());
}

/// The codes of a quad in the lowest bits of its bytes; other bits are not 0.
Value GridDecoder::permutedQuad(unsigned quad) {
  if (form().pointWeights == 8)
    return shiftBytes(k, permutedCodes(0, quad % 2),
                      [&](unsigned i) { return 8 * (quad / 2) + 2 * i; });
  auto half = [&](unsigned part) {
    return k.bitcast(
        shiftBytes(k, permutedCodes(quad / 4, part),
                   [&](unsigned i) { return 8 * (quad % 4) + i % 2 * 4; }),
        byteType(k));
  };
  SmallVector<bool> upper;
  for (unsigned i = 0; i < kBytes; ++i)
    upper.push_back(i % 4 >= 2);
  Value isUpper = k.ops().create<arith::ConstantOp>(DenseElementsAttr::get(
      k.vec(kBytes, k.ops().getI1Type()), ArrayRef<bool>(upper)));
  Value both = k.ops().create<arith::SelectOp>(isUpper, half(1), half(0));
  return k.bitcast(both, k.vec(rows_.lanes, k.i32()));
}
