/// Emits the decoding of grid formats (layout: PackedLayout.h).
///
/// The points are a constant of the kernel, in words whose bytes are already
/// codes: of a point of four weights byte j is the code of weight j; of eight,
/// byte j has that of weight j below and that of weight 4 + j above. Words are
/// loaded one by one: that beats the gather instructions of AMD's Zen 4 (20
/// against 27 ns for 64 words), and no compiler has to know which machine has
/// good ones.
#include "codegen/x86/GridDecode.h"

#include "codegen/x86/GridPlaces.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

/// The point's codes as a word of the table.
static int32_t tableWord(const CanonicalForm &form, uint16_t point) {
  unsigned bits = 16 / form.pointWeights;
  uint32_t word = 0;
  for (unsigned i = 0; i < form.pointWeights; ++i)
    word |= (point >> (bits * i) & ((1u << bits) - 1))
            << (8 * (i % 4) + i / 4 * 4);
  return static_cast<int32_t>(word);
}

GridDecoder::GridDecoder(KernelBuilder &builder, const PackedLayout &layout,
                         RowSelection rows)
    : k(builder), layout_(layout), rows_(rows),
      permutes_(!rows.scalar() && k.isa().lookup == ByteLookup::Permute512) {
  if (permutes_)
    return;
  SmallVector<int32_t> words;
  for (unsigned i = 0; i < 1u << form().indexBits; ++i)
    words.push_back(tableWord(form(), form().points[i]));
  table_ = k.constantWords("points", words);
}

void GridDecoder::enterRecord(Value record) {
  record_ = record;
  lines_.clear();
}

void GridDecoder::enterUnit(unsigned unit) {
  unit_ = unit;
  halves_ = Value();
  points_.clear();
}

Value GridDecoder::line(unsigned offset) {
  Value &line = lines_[offset];
  if (!line)
    line = rows_.loadLine(k, record_, offset);
  return line;
}

/// The low bits of points 4 * line .. 4 * line + 3 of the unit.
Value GridDecoder::indexLine(unsigned line) {
  return this->line(layout_.headerBytes + unit_ * layout_.unitBytes +
                    64 * line);
}

Value GridDecoder::halfLine() {
  const Plane &plane = layout_.codePlanes.front();
  return line(layout_.headerBytes + unit_ * layout_.unitBytes + plane.offset);
}

/// The line of halves. Of eight weights' bits, in the even bits of four bytes
/// and in the odd ones above them, the last is the parity of the others:
///   byte        0       1       2       3
///   bits 2i, 2i+1   0 4     1 5     2 6     3 parity
Value GridDecoder::halves() {
  if (halves_)
    return halves_;
  halves_ = halfLine();
  if (form().half != GridHalf::Parity)
    return halves_;
  auto exclusive = [&](Value a, Value b) -> Value {
    return k.ops().create<arith::XOrIOp>(a, b);
  };
  Value given = k.andBits(halves_, 0x55ffffff);
  Value parity = exclusive(given, k.shiftLeft(given, 1));
  parity = exclusive(parity, k.shiftLeft(parity, 16));
  parity = exclusive(parity, k.shiftLeft(parity, 8));
  return halves_ = k.orBits(given, k.andBits(parity, 0xaa000000));
}

Value GridDecoder::index(unsigned point) {
  unsigned quad = point / 4, byte = 8 * (point % 4);
  Value index = k.shiftRight(indexLine(quad), byte);
  if (byte < 24)
    index = k.andBits(index, 0xff);
  auto addBits = [&](Value line, unsigned at, unsigned bits, unsigned place) {
    uint32_t mask = ((1u << bits) - 1) << place;
    Value moved = at >= place ? k.shiftRight(line, at - place)
                              : k.shiftLeft(line, place - at);
    index = k.orBits(index, k.andBits(moved, mask));
  };
  if (layout_.spare == SpareBits::Index)
    addBits(halfLine(), 25 + 2 * point, 1, 8);
  unsigned quadOfRecord = unit_ * layout_.indexLines + quad;
  for (const Plane &plane : layout_.indexPlanes) {
    unsigned lowest = 8 + plane.lowBit;
    unsigned bits = std::min(plane.bits, form().indexBits - lowest);
    addBits(line(plane.offset + quadOfRecord % plane.lines * 64),
            byte + quadOfRecord / plane.lines * plane.bits, bits, lowest);
  }
  return index;
}

Value GridDecoder::lookUp(Value index) {
  auto word = [&](Value number) {
    Value wide = k.ops().create<arith::ExtUIOp>(k.i64(), number);
    return k.load(k.i32(), k.at(table_, k.mul(wide, 4)));
  };
  if (rows_.scalar())
    return word(index);
  Value words = k.constant(rows_.lanes, int32_t(0));
  for (int64_t lane = 0; lane < rows_.lanes; ++lane) {
    Value number = k.ops().create<vector::ExtractOp>(index, lane);
    words = k.ops().create<vector::InsertOp>(word(number), words, lane);
  }
  return words;
}

Value GridDecoder::point(unsigned point) {
  Value &codes = points_[point];
  if (!codes)
    codes = lookUp(index(point));
  return codes;
}

/// All ones in the lanes where bit `bit` is set.
static Value spreadBit(KernelBuilder &k, Value lanes, unsigned bit) {
  Value top = k.shiftLeft(lanes, 31 - bit);
  return k.ops().create<arith::ShRSIOp>(top, k.constantLike(top, 31));
}

/// Bit 3 of each byte of the quad.
Value GridDecoder::halfBits(unsigned quad,
                            llvm::function_ref<Value()> groupCode) {
  Value bits;
  switch (form().half) {
  case GridHalf::Weight:
  case GridHalf::Parity:
    bits = quad < 3 ? k.shiftLeft(halves(), 3 - quad)
                    : k.shiftRight(halves(), quad - 3);
    break;
  case GridHalf::Point: {
    const Plane &plane = layout_.indexPlanes.back();
    unsigned point = quad * 4 / form().pointWeights;
    unsigned four = unit_ * layout_.indexLines + point / 4;
    bits = spreadBit(k, line(plane.offset + four % plane.lines * 64),
                     8 * (point % 4) + four / plane.lines * plane.bits +
                         plane.bits - 1);
    break;
  }
  case GridHalf::Group:
    bits = spreadBit(k, groupCode(), form().scaleBits);
    break;
  }
  return k.andBits(bits, 0x08080808);
}

Value GridDecoder::quad(unsigned quad, llvm::function_ref<Value()> groupCode) {
  // The permuted codes have other bits above them that a lookup ignores.
  if (permutes_)
    return k.orBits(k.andBits(permutedQuad(quad), 0xf7f7f7f7),
                    halfBits(quad, groupCode));
  unsigned perPoint = form().pointWeights / 4;
  Value codes = point(quad / perPoint);
  if (perPoint > 1)
    codes = k.andBits(k.shiftRight(codes, 4 * (quad % perPoint)), 0x07070707);
  return k.orBits(codes, halfBits(quad, groupCode));
}

Value GridDecoder::spareScale() {
  // Bits 25, 27, 29 and 31 of a lane, pushed together.
  Value bits = k.andBits(k.shiftRight(halfLine(), 25), 0x55);
  bits = k.andBits(k.orBits(bits, k.shiftRight(bits, 1)), 0x33);
  return k.andBits(k.orBits(bits, k.shiftRight(bits, 2)), 0x0f);
}
