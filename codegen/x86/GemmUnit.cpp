/// The words that both register tiles of 8-bit products use for a unit.
#include "codegen/x86/GemmUnit.h"

#include "llvm/Support/MathExtras.h"

using namespace mlir;

namespace sinter::x86 {

TileInput tileInput(KernelBuilder &k, tile::RowAttr input, Value inputRow,
                    Value column, unsigned tokens) {
  return {.layout = Q8Layout::of(input.getWidth(), input.getSums()),
          .lanes = k.isa().lanes(),
          .tokens = tokens,
          .shift = sumShift(input.getSums()),
          .codes = k.at(inputRow, column),
          .by32 = k.at(inputRow, k.div(column, 8)),
          .by16 = k.at(inputRow, k.div(column, 4))};
}

Value beginDot(KernelBuilder &k, const CanonicalForm &form,
               const TileInput &rows, unsigned token, unsigned group) {
  if (!form.codeOffset)
    return k.constant(rows.lanes, int32_t(0));
  bool by16 = form.group == 16;
  unsigned sums = by16 ? rows.layout.codes16 : rows.layout.codes32;
  Value sum = rows.splat(k, k.i32(), by16 ? rows.by16 : rows.by32, token,
                         sums + 4 * group);
  return k.shiftLeft(sum, llvm::Log2_32(form.codeOffset) - rows.shift);
}

unsigned largestByte(const CanonicalForm &form) {
  bool entries = form.family == Family::Codebook || form.family == Family::Grid;
  return entries ? 2 * form.codeOffset - 1
                 : ((1u << form.bits) - 1) << form.codeShift;
}

} // namespace sinter::x86
