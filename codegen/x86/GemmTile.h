/// The register tile of gemv and gemm: 16 weight rows times a few tokens,
/// summed over all of k in an order that no tile size changes.
#ifndef SINTER_CODEGEN_X86_GEMMTILE_H
#define SINTER_CODEGEN_X86_GEMMTILE_H

#include "codegen/x86/WeightDecode.h"
#include "dialects/tile/Tile.h"

namespace sinter::x86 {

struct GemmTile {
  const PackedLayout &layout;
  tile::RowAttr input;
  unsigned prefetch; ///< bytes that weight prefetches run ahead, 0 for none

  /// Sums of rows first … first+lanes-1 of the row group at `rowGroup` with
  /// `tokens` consecutive input rows from `inputRow`: one vector per token.
  Values emit(KernelBuilder &k, Value rowGroup, Value inputRow, unsigned tokens,
              unsigned first) const;

private:
  Values emitPlain(KernelBuilder &k, Value rowGroup, Value inputRow,
                   unsigned tokens, unsigned first) const;
  void emitUnit(KernelBuilder &k, WeightDecoder &weights, unsigned unit,
                struct TileInput &rows, Values &sums) const;
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_GEMMTILE_H
