/// Decodes the codes of grid formats: numbers of points become the points'
/// codes, with the half of the codebook beside them.
#ifndef SINTER_CODEGEN_X86_GRIDDECODE_H
#define SINTER_CODEGEN_X86_GRIDDECODE_H

#include "codegen/x86/PackedLayout.h"
#include "codegen/x86/RowSelection.h"

namespace sinter::x86 {

/// Emits the decoding of one record of a grid format, unit after unit.
class GridDecoder {
public:
  GridDecoder(KernelBuilder &builder, const PackedLayout &layout,
              RowSelection rows);

  void enterRecord(Value record);
  void enterUnit(unsigned unit);

  /// Codebook indices of quad `quad` of the unit: bytes, four k per 32-bit
  /// lane, below 16, or with other bits above them where a lookup ignores
  /// those. `groupCode` is the scale code of the quad's group, with its half;
  /// only GridHalf::Group asks for it.
  Value quad(unsigned quad, llvm::function_ref<Value()> groupCode);

  /// The unit's scale code, for layouts that keep it in the spare places.
  Value spareScale();

private:
  const CanonicalForm &form() const { return layout_.format->form; }
  Value line(unsigned offset);
  Value indexLine(unsigned line);
  Value halfLine();
  Value halves();
  Value index(unsigned point);
  Value point(unsigned point);
  Value lookUp(Value index);
  Value halfBits(unsigned quad, llvm::function_ref<Value()> groupCode);
  Value testIndexBit(unsigned line, unsigned bit);
  Value permutedCodes(unsigned line, unsigned part);
  Value permutedQuad(unsigned quad);

  KernelBuilder &k;
  const PackedLayout &layout_;
  RowSelection rows_;
  bool permutes_; ///< tables in registers instead of memory
  Value record_, table_;
  unsigned unit_ = 0;
  Value halves_;
  llvm::DenseMap<unsigned, Value> lines_;  ///< of the record, by offset
  llvm::DenseMap<unsigned, Value> points_; ///< of the unit, or their parts
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_GRIDDECODE_H
