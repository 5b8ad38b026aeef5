/// Emits the register tile of gemv and gemm.
#include "codegen/x86/GemmTile.h"

#include "codegen/x86/ByteDot.h"
#include "codegen/x86/RowWriter.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;

namespace sinter::x86 {
/// Where one record finds the 8-bit activations of the tile's tokens.
struct TileInput {
  Q8Layout layout;
  unsigned lanes, tokens;
  Value codes, by32, by16; ///< of the first token, moved to the record

  Value splat(KernelBuilder &k, Type type, Value base, unsigned token,
              unsigned offset) const {
    return k.loadSplat(lanes, type, base, token * layout.rowBytes + offset);
  }
};
} // namespace sinter::x86

/// Order in which the quads of a group are taken: those that share a line of
/// the widest plane one after the other. (Integer sums: any order is exact.)
static SmallVector<unsigned> quadOrder(const PackedLayout &layout,
                                       unsigned firstQuad, unsigned quads) {
  unsigned lines = layout.codePlanes.front().lines;
  SmallVector<unsigned> order;
  for (unsigned line = 0; line < std::min(lines, quads); ++line)
    for (unsigned quad = line; quad < quads; quad += lines)
      order.push_back(firstQuad + quad);
  return order;
}

void GemmTile::emitUnit(KernelBuilder &k, WeightDecoder &weights, unsigned unit,
                        TileInput &rows, Values &sums) const {
  const CanonicalForm &form = layout.format->form;
  unsigned groups = kUnitWeights / form.group;
  unsigned quads = kUnitQuads / groups;
  unsigned largest = form.family == Family::Codebook ? 2 * form.codeOffset - 1
                                                     : (1u << form.bits) - 1;
  const Q8Layout &q8 = rows.layout;
  weights.enterUnit(unit, prefetch);
  for (unsigned g = 0; g < groups; ++g) {
    unsigned index = unit * groups + g; // group within the record
    Value base = groups == 1 ? rows.by32 : rows.by16;
    unsigned codes = (groups == 1 ? q8.codes32 : q8.codes16) + 4 * index;
    unsigned mins = (groups == 1 ? q8.mins32 : q8.mins16) + 4 * index;
    Values dots;
    for (unsigned t = 0; t < rows.tokens; ++t)
      dots.push_back(form.codeOffset
                         ? k.shiftLeft(rows.splat(k, k.i32(), base, t, codes),
                                       llvm::Log2_32(form.codeOffset))
                         : k.constant(rows.lanes, int32_t(0)));
    for (unsigned quad : quadOrder(layout, g * quads, quads)) {
      Value codesOfQuad = weights.quad(unit, quad);
      for (unsigned t = 0; t < rows.tokens; ++t)
        dots[t] = byteDot(k, dots[t], codesOfQuad,
                          rows.splat(k, k.i32(), rows.codes, t,
                                     unit * kUnitWeights + 4 * quad),
                          largest);
    }
    Value scale = weights.scale(index);
    Value min = form.min == GroupMin::None ? Value() : weights.min(index);
    for (unsigned t = 0; t < rows.tokens; ++t) {
      Value activation =
          rows.splat(k, k.f32(), rows.by32, t, q8.scales + 4 * unit);
      sums[t] = k.fma(k.mulf(k.toFloat(dots[t]), activation), scale, sums[t]);
      if (min)
        sums[t] = k.fma(min, rows.splat(k, k.f32(), base, t, mins), sums[t]);
    }
  }
}

Values GemmTile::emitPlain(KernelBuilder &k, Value rowGroup, Value inputRow,
                           unsigned tokens, unsigned first) const {
  unsigned lanes = k.isa().lanes();
  Type element = k.plainElement(layout.format->form.plain);
  unsigned bytes = layout.unitBytes / kRowGroup;
  // Four k at a time, where they divide the width, to halve the loop's cost.
  unsigned unroll = input.getWidth() % 4 ? 1 : 4;
  Values sums(tokens, k.constant(lanes, 0.0f));
  return k.loop(
      k.index(0), k.index(input.getWidth()), unroll, sums,
      [&](Value column, ValueRange carried) {
        Values sums(carried);
        Value line = k.at(rowGroup, k.mul(column, layout.unitBytes));
        Value x = k.at(inputRow, k.mul(column, 4));
        for (unsigned ahead = 0; prefetch && ahead < unroll * layout.unitBytes;
             ahead += 64)
          k.prefetch(line, ahead + prefetch);
        for (unsigned i = 0; i < unroll; ++i) {
          Value weights = k.loadFloats(lanes, element, line,
                                       i * layout.unitBytes + first * bytes);
          for (unsigned t = 0; t < tokens; ++t)
            sums[t] = k.fma(
                weights,
                k.loadSplat(lanes, k.f32(), x, t * rowBytes(input) + 4 * i),
                sums[t]);
        }
        return sums;
      });
}

Values GemmTile::emit(KernelBuilder &k, Value rowGroup, Value inputRow,
                      unsigned tokens, unsigned first) const {
  if (layout.format->form.family == Family::Plain)
    return emitPlain(k, rowGroup, inputRow, tokens, first);
  unsigned lanes = k.isa().lanes();
  WeightDecoder weights(k, layout, {.lanes = lanes, .first = first, .row = {}});
  uint64_t records =
      layout.paddedWidth(input.getWidth()) / layout.recordWeights;
  Values sums(tokens, k.constant(lanes, 0.0f));
  sums =
      k.loop(k.index(0), k.index(records), 1, sums,
             [&](Value record, ValueRange carried) {
               Values sums(carried);
               weights.enterRecord(k.at(k.at(rowGroup, layout.rowGroupHeader),
                                        k.mul(record, layout.recordBytes)));
               Value column = k.mul(record, layout.recordWeights);
               TileInput rows{
                   .layout = Q8Layout::of(input.getWidth(), input.getSums()),
                   .lanes = lanes,
                   .tokens = tokens,
                   .codes = k.at(inputRow, column),
                   .by32 = k.at(inputRow, k.div(column, 8)),
                   .by16 = k.at(inputRow, k.div(column, 4))};
               for (unsigned unit = 0;
                    unit < layout.recordWeights / kUnitWeights; ++unit)
                 emitUnit(k, weights, unit, rows, sums);
               return sums;
             });
  Value tensorScale = weights.tensorScale(rowGroup);
  for (Value &sum : sums)
    sum = tensorScale ? k.mulf(sum, tensorScale) : sum;
  return sums;
}
