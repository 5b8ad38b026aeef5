/// Emits the decoding of packed records (layout: PackedLayout.h).
#include "codegen/x86/WeightDecode.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

WeightDecoder::WeightDecoder(KernelBuilder &builder, const PackedLayout &layout,
                             RowSelection rows)
    : k(builder), layout_(layout), rows_(rows) {
  if (form().family == Family::Grid)
    grid_.emplace(builder, layout, rows);
  if (!hasCodebook())
    return;
  // Vector form: the 16 entries four times over (twice in 256 bits), so that a
  // byte permute ignores the upper bits of its indices; made unsigned. Scalar
  // form: the entries themselves, in memory.
  unsigned bytes = rows.scalar() ? 16 : k.isa().wide ? 64 : 32;
  unsigned offset = rows.scalar() ? 0 : form().codeOffset;
  // Codes of two bits may have another one above them.
  unsigned used = grid_ && form().pointWeights == 8 ? 0b1011 : 0b1111;
  SmallVector<int8_t> entries;
  for (unsigned i = 0; i < bytes; ++i)
    entries.push_back(static_cast<int8_t>(form().codebook[i & used] + offset));
  table_ = k.ops().create<arith::ConstantOp>(DenseElementsAttr::get(
      k.vec(bytes, k.ops().getI8Type()), ArrayRef<int8_t>(entries)));
  if (!rows.scalar())
    return;
  Value memory = k.scratch(16);
  k.store(table_, memory);
  table_ = memory;
}

bool WeightDecoder::hasCodebook() const {
  return form().family == Family::Codebook || form().family == Family::Grid;
}

Value WeightDecoder::address(unsigned offset, unsigned elementBytes) {
  return rows_.at(k, record_, offset, elementBytes);
}

Value WeightDecoder::loadCodeLine(unsigned offset) {
  Value &line = lines_[offset];
  if (!line)
    line = rows_.loadLine(k, record_, offset);
  return line;
}

void WeightDecoder::enterUnit(unsigned unit) {
  lines_.clear();
  if (grid_)
    grid_->enterUnit(unit);
  if (!ahead_)
    return;
  for (unsigned line = unit ? layout_.endOfUnit(unit - 1) : 0;
       line < layout_.endOfUnit(unit); line += 64)
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
  fractions_.clear();
  if (grid_)
    grid_->enterRecord(record);
  superScale_ =
      layout_.superScale >= 0 ? loadHalfs(layout_.superScale) : Value();
  if (superScale_ && form().codebookScale != 1.0f)
    superScale_ =
        k.mulf(superScale_, k.constantLike(superScale_, form().codebookScale));
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

/// Quad `quad` of a ternary record. A byte x is the fraction x / 256 in base 3:
/// its first digit is 1 from 86 on and 2 from 171 on, and 3 * x without its
/// carry is the fraction that remains.
Value WeightDecoder::digits(unsigned quad) {
  unsigned lanes = rows_.lanes, line = quad / kTernaryDigits;
  auto bytes = k.vec(4 * lanes, k.ops().getI8Type());
  Values &fractions = fractions_[line];
  if (fractions.empty())
    fractions.push_back(
        k.load(bytes, address(layout_.headerBytes + 64 * line, 4)));
  while (fractions.size() <= quad % kTernaryDigits) {
    Value x = fractions.back();
    fractions.push_back(k.add(k.add(x, x), x));
  }
  auto all = [&](uint8_t value) -> Value {
    return k.ops().create<arith::ConstantOp>(
        DenseElementsAttr::get(bytes, int8_t(value)));
  };
  auto above = [&](uint8_t bound) -> Value {
    Value rest = k.ops().create<LLVM::USubSat>(fractions[quad % kTernaryDigits],
                                               all(bound));
    return k.ops().create<arith::MinUIOp>(rest, all(1));
  };
  Type words = rows_.scalar() ? k.i32() : Type(k.vec(lanes, k.i32()));
  return k.bitcast(k.add(above(85), above(170)), words);
}

Value WeightDecoder::rawQuad(unsigned unit, unsigned quad) {
  if (form().family == Family::Ternary)
    return digits(unit * kUnitQuads + quad);
  if (grid_)
    return grid_->quad(quad, [&] {
      return integerField(layout_.scalePlanes,
                          (unit * kUnitWeights + 4 * quad) / form().group);
    });
  unsigned base = layout_.headerBytes + unit * layout_.unitBytes;
  Value code;
  for (const Plane &plane : layout_.codePlanes) {
    unsigned line = quad % plane.lines;
    Value bits = loadCodeLine(base + plane.offset + 64 * line);
    Plane shifted = plane;
    shifted.lowBit += form().codeShift;
    Value field = planeField(bits, shifted, quad, 0x01010101u);
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
  if (!hasCodebook())
    return rawQuad(unit, quad);
  if (grid_ || k.isa().lookup != ByteLookup::Permute512)
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
  case GroupScale::F32:
    value = k.load(type, address(offset, 4));
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
  Value code = scaleCode(group);
  if (form().scaleStep != 1)
    code = k.ops().create<arith::MulIOp>(
        code, k.constantLike(code, int32_t(form().scaleStep)));
  if (form().scaleOffset)
    code = k.ops().create<arith::SubIOp>(
        code, k.constantLike(code, int32_t(form().scaleOffset)));
  return k.toFloat(code);
}

Value WeightDecoder::scaleCode(unsigned group) {
  if (layout_.spare == SpareBits::Scale)
    return grid_->spareScale();
  Value code = integerField(layout_.scalePlanes, group);
  bool withHalf = grid_ && form().half == GridHalf::Group;
  return withHalf ? k.andBits(code, (1u << form().scaleBits) - 1) : code;
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
  if (hasCodebook()) {
    Value index = k.ops().create<arith::ExtUIOp>(k.i64(), code);
    Value entry = k.load(k.ops().getI8Type(), k.at(table_, index));
    return k.toFloat(k.ops().create<arith::ExtSIOp>(k.i32(), entry));
  }
  Value offset = k.constantLike(code, int32_t(form().codeOffset));
  return k.toFloat(k.ops().create<arith::SubIOp>(code, offset));
}
