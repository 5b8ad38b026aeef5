/// The register tile of gemv and gemm: weight rows times a few tokens, summed
/// over all of k in an order that no tile size changes.
#ifndef SINTER_CODEGEN_X86_GEMMTILE_H
#define SINTER_CODEGEN_X86_GEMMTILE_H

#include "codegen/x86/WeightDecode.h"
#include "dialects/tile/Tile.h"

namespace sinter::x86 {

/// As many rows as a register has lanes, from `first` of a row group on.
struct TilePart {
  Value rowGroup; ///< address of the packed group
  unsigned first;
};

struct GemmTile {
  const PackedLayout &layout;
  tile::RowAttr input;
  Value ahead = {}; ///< bytes that weight prefetches run ahead; null: none

  /// Sums of the parts' rows with `tokens` consecutive input rows from
  /// `inputRow`: one vector for each token of each part, part after part.
  Values emit(KernelBuilder &k, llvm::ArrayRef<TilePart> parts, Value inputRow,
              unsigned tokens) const;

  /// Whether this product takes bfloat16 activations: those of `convertRows`.
  bool takesBf16(const Isa &isa) const;

  /// Rounds `tokens` float32 rows from `inputRow` to bfloat16 rows at `place`,
  /// which has tokens * width * 2 bytes. emit() then takes `place` as its
  /// input.
  void convertRows(KernelBuilder &k, Value inputRow, unsigned tokens,
                   Value place) const;

private:
  Values emitBf16(KernelBuilder &k, llvm::ArrayRef<TilePart> parts,
                  Value inputRow, unsigned tokens) const;
  using Decoders = llvm::SmallVector<WeightDecoder, 2>;

  Values emitPlain(KernelBuilder &k, llvm::ArrayRef<TilePart> parts,
                   Value inputRow, unsigned tokens) const;
  void emitUnit(KernelBuilder &k, Decoders &weights, unsigned unit,
                const struct TileInput &rows, Values &sums) const;
  void emitMins(KernelBuilder &k, WeightDecoder &weights, const TileInput &rows,
                llvm::MutableArrayRef<Value> totals) const;
  void emitRecord(KernelBuilder &k, Decoders &weights, const TileInput &rows,
                  Values &totals) const;
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_GEMMTILE_H
