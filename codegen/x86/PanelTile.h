/// The register tile of many tokens: weights come from a panel, decoded once
/// for all of them.
#ifndef SINTER_CODEGEN_X86_PANELTILE_H
#define SINTER_CODEGEN_X86_PANELTILE_H

#include "codegen/x86/ByteDot.h"
#include "codegen/x86/GemmUnit.h"
#include "codegen/x86/WeightPanel.h"
#include "dialects/tile/Tile.h"

namespace sinter::x86 {

class PanelTile {
public:
  /// Row groups that the registers of `isa` hold.
  static unsigned groupsAtOnce(const Isa &isa);

  /// Whether weights of this layout are multiplied so on `isa`.
  static bool takes(const Isa &isa, const PackedLayout &layout);

  /// For `groups` row groups, a multiple of groupsAtOnce(). Takes stack space,
  /// so not in a loop.
  PanelTile(KernelBuilder &builder, const PackedLayout &layout,
            tile::RowAttr input, unsigned groups);

  unsigned tokens() const { return tokens_; } ///< of a tile

  /// Records of a row, and how many of them are decoded at once.
  uint64_t records() const { return records_; }
  uint64_t stretch() const { return stretch_; }

  /// Decodes `count` records, from `first` of each row on, of the packed row
  /// groups at `rowGroup`, whose lines are fetched `ahead` bytes ahead.
  void decode(Value rowGroup, Value first, Value count, Value ahead);

  /// One tile's sums: a float32 for each row of each token.
  struct Sums {
    Value place;
    unsigned tokenBytes; ///< between two tokens
  };

  /// Adds the products of the decoded records with the rows of tokens() tokens
  /// from `inputRow` on. Record 0 begins the sums. With all records, and
  /// scaled, they are those of GemmTile, bit for bit.
  void multiply(Value inputRow, Value first, Value count, const Sums &sums);

  /// Multiplies whole sums by the tensor scales, in formats that have them.
  void scale(Value rowGroup, const Sums &sums);

private:
  const CanonicalForm &form() const { return layout.format->form; }
  bool apart() const { return layout.superScale >= 0; }
  Values addRecord(Value record, Value inputRow, Value column,
                   ValueRange before);
  Values addUnit(Value unit, const TileInput &rows, ValueRange before);
  llvm::SmallVector<ByteDot32> unitDots(Value unit, const TileInput &rows);
  void addMins(Value record, const TileInput &rows, Values &totals);

  KernelBuilder &k;
  const PackedLayout &layout;
  tile::RowAttr input;
  unsigned groups_, tokens_;
  WeightPanel panel;
  uint64_t records_, stretch_;
  Value space; ///< a panel for each turn of the registers, one by one
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_PANELTILE_H
