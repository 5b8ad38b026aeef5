/// What the register tiles of 8-bit products know of a unit: 32 k of a record
/// and of the activations.
#ifndef SINTER_CODEGEN_X86_GEMMUNIT_H
#define SINTER_CODEGEN_X86_GEMMUNIT_H

#include "codegen/x86/ByteDot.h"
#include "codegen/x86/KernelBuilder.h"
#include "codegen/x86/PackedLayout.h"
#include "dialects/tile/ActivationLayout.h"
#include "dialects/tile/Tile.h"

namespace sinter::x86 {

/// Where one record finds the 8-bit activations of the tile's tokens.
struct TileInput {
  Q8Layout layout;
  unsigned lanes, tokens;
  unsigned shift;          ///< of the integer sums
  Value codes, by32, by16; ///< of the first token, moved to the record

  Value splat(KernelBuilder &k, mlir::Type type, Value base, unsigned token,
              unsigned offset) const {
    return k.loadSplat(lanes, type, base, token * layout.rowBytes + offset);
  }
};

/// Where the activations of `tokens` tokens from `inputRow` on lie, from column
/// `column` on.
TileInput tileInput(KernelBuilder &k, tile::RowAttr input, Value inputRow,
                    Value column, unsigned tokens);

/// Start of an integer sum: minus the code offset times the sum of the
/// activations, so that the offset costs no arithmetic.
Value beginDot(KernelBuilder &k, const CanonicalForm &form,
               const TileInput &rows, unsigned token, unsigned group);

/// The largest byte that stands for a weight.
unsigned largestByte(const CanonicalForm &form);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_GEMMUNIT_H
