/// Emits the decoding of packed records (layout: PackedLayout.h).
#include "codegen/x86/WeightDecode.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

WeightDecoder::WeightDecoder(KernelBuilder &builder, const PackedLayout &layout,
                             RowSelection rows)
    : k(builder), layout_(layout), rows_(rows) {
  if (form().family != Family::Codebook)
    return;
  // Vector form: the 16 entries four times over (twice in 256 bits), so that a
  // byte permute ignores the upper bits of its indices; made unsigned. Scalar
  // form: the entries themselves, in memory.
  unsigned bytes = rows.scalar() ? 16 : k.isa().wide ? 64 : 32;
  unsigned offset = rows.scalar() ? 0 : form().codeOffset;
  SmallVector<int8_t> entries;
  for (unsigned i = 0; i < bytes; ++i)
    entries.push_back(static_cast<int8_t>(form().codebook[i % 16] + offset));
  table_ = k.ops().create<arith::ConstantOp>(DenseElementsAttr::get(
      k.vec(bytes, k.ops().getI8Type()), ArrayRef<int8_t>(entries)));
  if (!rows.scalar())
    return;
  Value memory = k.scratch(16);
  k.store(table_, memory);
  table_ = memory;
}

Value WeightDecoder::address(unsigned offset, unsigned elementBytes) {
  if (!rows_.scalar())
    return k.at(record_, offset + rows_.first * elementBytes);
  return k.at(k.at(record_, offset), k.mul(rows_.row, elementBytes));
}

Value WeightDecoder::loadCodeLine(unsigned offset) {
  Value &line = lines_[offset];
  if (!line)
    line = k.load(rows_.scalar() ? k.i32() : Type(k.vec(rows_.lanes, k.i32())),
                  address(offset, 4));
  return line;
}

void WeightDecoder::enterUnit(unsigned unit) {
  lines_.clear();
  if (!ahead_)
    return;
  unsigned end = layout_.headerBytes + (unit + 1) * layout_.unitBytes;
  for (unsigned line = unit ? end - layout_.unitBytes : 0; line < end;
       line += 64)
    k.prefetch(ahead_, line);
}

Value WeightDecoder::loadHalfs(unsigned offset) {
  Type half = k.ops().getF16Type();
  if (rows_.scalar())
    return k.ops().create<arith::ExtFOp>(k.f32(),
                                         k.load(half, address(offset, 2)));
  return k.loadFloats(rows_.lanes, half, address(offset, 2));
}

Value WeightDecoder::loadScaleBytes(unsigned offset) {
  if (!rows_.scalar())
    return k.loadBytes(rows_.lanes, address(offset, 1));
  Value byte = k.load(k.ops().getI8Type(), address(offset, 1));
  return k.ops().create<arith::ExtUIOp>(k.i32(), byte);
}

void WeightDecoder::enterRecord(Value record, Value distance) {
  record_ = record;
  ahead_ = distance ? k.at(record, distance) : Value();
  superScale_ =
      layout_.superScale >= 0 ? loadHalfs(layout_.superScale) : Value();
  superMin_ = layout_.superMin >= 0 ? loadHalfs(layout_.superMin) : Value();
  if (superMin_ && form().min == GroupMin::Subtract)
    superMin_ = k.ops().create<arith::NegFOp>(superMin_);
}

/// Field `index` of a plane's line, moved to its place in the code;
/// `byteRepeat` is 0x01010101 for packed bytes and 1 for one byte a lane.
Value WeightDecoder::planeField(Value line, const Plane &plane, unsigned index,
                                uint32_t byteRepeat) {
  unsigned shift = index / plane.lines * plane.bits;
  uint32_t mask = ((1u << plane.bits) - 1) << plane.lowBit;
  Value moved = shift >= plane.lowBit ? k.shiftRight(line, shift - plane.lowBit)
                                      : k.shiftLeft(line, plane.lowBit - shift);
  bool whole = plane.bits == 8;
  return whole ? moved : k.andBits(moved, mask * byteRepeat);
}

Value WeightDecoder::rawQuad(unsigned unit, unsigned quad) {
  unsigned base = layout_.headerBytes + unit * layout_.unitBytes;
  Value code;
  for (const Plane &plane : layout_.codePlanes) {
    unsigned line = quad % plane.lines;
    Value bits = loadCodeLine(base + plane.offset + 64 * line);
    Value field = planeField(bits, plane, quad, 0x01010101u);
    code = code ? k.orBits(code, field) : field;
  }
  return code;
}

Value WeightDecoder::lookUp(Value indices) {
  auto bytes = cast<VectorType>(table_.getType());
  Value index = k.bitcast(indices, bytes);
  StringRef name;
  SmallVector<Value> arguments;
  switch (k.isa().lookup) {
  case ByteLookup::Permute512:
    name = "llvm.x86.avx512.permvar.qi.512";
    break;
  case ByteLookup::Shuffle512:
    name = "llvm.x86.avx512.pshuf.b.512";
    break;
  case ByteLookup::Shuffle256:
    name = "llvm.x86.avx2.pshuf.b";
    break;
  }
  return k.bitcast(k.intrinsic(name, bytes, {table_, index}),
                   indices.getType());
}

Value WeightDecoder::quad(unsigned unit, unsigned quad) {
  if (form().family != Family::Codebook)
    return rawQuad(unit, quad);
  if (k.isa().lookup != ByteLookup::Permute512)
    return lookUp(rawQuad(unit, quad));
  const Plane &plane = layout_.codePlanes.front();
  unsigned base = layout_.headerBytes + unit * layout_.unitBytes;
  Value line = loadCodeLine(base + plane.offset + 64 * (quad % plane.lines));
  return lookUp(k.shiftRight(line, quad / plane.lines * plane.bits));
}

Value WeightDecoder::integerField(ArrayRef<Plane> planes, unsigned group) {
  Value field;
  for (const Plane &plane : planes) {
    Value line = loadScaleBytes(plane.offset + 16 * (group % plane.lines));
    Value part = planeField(line, plane, group, 1);
    field = field ? k.orBits(field, part) : part;
  }
  return field;
}

Value WeightDecoder::directScale(unsigned group) {
  unsigned offset = layout_.groupScale + group * layout_.groupStride;
  float factor = form().codebookScale;
  Value value;
  Type type = rows_.scalar() ? k.f32() : Type(k.vec(rows_.lanes, k.f32()));
  switch (form().groupScale) {
  case GroupScale::F16:
    value = loadHalfs(offset);
    break;
  case GroupScale::E8M0: {
    // 2^(byte-127): the byte is a float32's exponent; 0 is the subnormal
    // 2^-127.
    Value byte = loadScaleBytes(offset);
    Value isZero = k.equal(byte, k.constantLike(byte, 0));
    Value bits = k.ops().create<arith::SelectOp>(
        isZero, k.constantLike(byte, 0x00400000), k.shiftLeft(byte, 23));
    value = k.bitcast(bits, type);
    break;
  }
  case GroupScale::UE4M3: {
    // Shifted by 7 the byte is a half whose exponent bias is 8 too large:
    // exact, subnormals included. The top bit is ignored; all ones mean 0
    // (they would be NaN, which ggml reads as 0).
    Value byte = k.andBits(loadScaleBytes(offset), 0x7f);
    Value isNan = k.equal(byte, k.constantLike(byte, 0x7f));
    byte =
        k.ops().create<arith::SelectOp>(isNan, k.constantLike(byte, 0), byte);
    Type shortType = k.ops().getI16Type(), half = k.ops().getF16Type();
    if (!rows_.scalar()) {
      shortType = k.vec(rows_.lanes, shortType);
      half = k.vec(rows_.lanes, half);
    }
    Value bits =
        k.ops().create<arith::TruncIOp>(shortType, k.shiftLeft(byte, 7));
    value = k.ops().create<arith::ExtFOp>(type, k.bitcast(bits, half));
    factor *= 256.0f;
    break;
  }
  case GroupScale::Integer:
  case GroupScale::None:
    llvm_unreachable("not a direct scale");
  }
  return factor == 1.0f ? value : k.mulf(value, k.constantLike(value, factor));
}

Value WeightDecoder::groupScale(unsigned group) {
  if (form().groupScale != GroupScale::Integer)
    return directScale(group);
  Value code = integerField(layout_.scalePlanes, group);
  if (form().scaleOffset)
    code = k.ops().create<arith::SubIOp>(
        code, k.constantLike(code, int32_t(form().scaleOffset)));
  return k.toFloat(code);
}

Value WeightDecoder::groupMin(unsigned group) {
  if (layout_.superMin >= 0)
    return k.toFloat(integerField(layout_.minPlanes, group));
  Value value = loadHalfs(layout_.groupMin + group * layout_.groupStride);
  return form().min == GroupMin::Subtract
             ? Value(k.ops().create<arith::NegFOp>(value))
             : value;
}

Value WeightDecoder::scale(unsigned group) {
  Value scale = groupScale(group);
  return superScale_ ? k.mulf(superScale_, scale) : scale;
}

Value WeightDecoder::min(unsigned group) {
  Value min = groupMin(group);
  return superMin_ ? k.mulf(superMin_, min) : min;
}

Value WeightDecoder::tensorScale(Value rowGroup) {
  if (!form().tensorScale)
    return Value();
  if (!rows_.scalar())
    return k.load(k.vec(rows_.lanes, k.f32()), rowGroup, 4 * rows_.first);
  return k.load(k.f32(), k.at(rowGroup, k.mul(rows_.row, 4)));
}

Value WeightDecoder::codeValue(Value rawQuad, unsigned j) {
  Value code = k.andBits(k.shiftRight(rawQuad, 8 * j), 0xff);
  if (form().family == Family::Codebook) {
    Value index = k.ops().create<arith::ExtUIOp>(k.i64(), code);
    Value entry = k.load(k.ops().getI8Type(), k.at(table_, index));
    return k.toFloat(k.ops().create<arith::ExtSIOp>(k.i32(), entry));
  }
  Value offset = k.constantLike(code, int32_t(form().codeOffset));
  return k.toFloat(k.ops().create<arith::SubIOp>(code, offset));
}
