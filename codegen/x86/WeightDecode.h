/// Decodes packed weights in registers: one description (PackedLayout) drives
/// both the vector form, 16 rows at a time, and the scalar form, one row.
#ifndef SINTER_CODEGEN_X86_WEIGHTDECODE_H
#define SINTER_CODEGEN_X86_WEIGHTDECODE_H

#include "codegen/x86/GridDecode.h"

#include <optional>

namespace sinter::x86 {

/// Emits the decoding of one record at a time.
class WeightDecoder {
public:
  WeightDecoder(KernelBuilder &builder, const PackedLayout &layout,
                RowSelection rows);

  /// Points at a record; loads what all its groups share. `distance` says how
  /// many bytes ahead its lines are prefetched; null: not.
  void enterRecord(Value record, Value distance = {});

  /// Begins unit `unit` of the record: its lines are loaded once each, and
  /// prefetched, with unit 0 also the header, if enterRecord() was told how far
  /// ahead.
  void enterUnit(unsigned unit);

  /// Codes of quad `quad` (0..7) of unit `unit`: unsigned bytes, four k per
  /// 32-bit lane; codebook entries with the code offset added.
  Value quad(unsigned unit, unsigned quad);

  /// The same before a codebook is applied.
  Value rawQuad(unsigned unit, unsigned quad);

  /// float32 factor of group `group` of the record: everything that multiplies
  /// a code, but the tensor scale.
  Value scale(unsigned group);

  /// float32 addend of group `group` per unit of activation sum: ± minimum.
  Value min(unsigned group);

  /// The parts of the two above: of the group, times of the record. The record
  /// has none (null) in formats without super scales.
  Value groupScale(unsigned group);
  Value groupMin(unsigned group);
  Value recordScale() const { return superScale_; }
  Value recordMin() const { return superMin_; } ///< with its sign

  /// float32 tensor scales of the rows; null without them.
  Value tensorScale(Value rowGroup);

  /// Weight of byte `j` of a raw quad, scalar form: code minus offset or
  /// codebook entry, as float32.
  Value codeValue(Value rawQuad, unsigned j);

  const PackedLayout &layout() const { return layout_; }
  const CanonicalForm &form() const { return layout_.format->form; }

private:
  Value address(unsigned offset, unsigned elementBytes);
  bool hasCodebook() const;
  Value loadCodeLine(unsigned offset);
  Value digits(unsigned quad);
  Value scaleCode(unsigned group);
  Value loadHalfs(unsigned offset);
  Value loadScaleBytes(unsigned offset);
  Value planeField(Value line, const Plane &plane, unsigned index,
                   uint32_t byteRepeat);
  Value integerField(llvm::ArrayRef<Plane> planes, unsigned group);
  Value directScale(unsigned group);
  Value lookUp(Value indices);

  KernelBuilder &k;
  const PackedLayout &layout_;
  RowSelection rows_;
  Value record_, ahead_, superScale_, superMin_;
  std::optional<GridDecoder> grid_;
  llvm::DenseMap<unsigned, Value> lines_;      ///< code lines loaded, by offset
  llvm::DenseMap<unsigned, Values> fractions_; ///< ternary lines times 3^n
  Value table_; ///< codebook: a vector, or memory in the scalar form
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_WEIGHTDECODE_H
