/// Which rows of a row group a decoder takes from packed records, and where
/// their parts of a line begin.
#ifndef SINTER_CODEGEN_X86_ROWSELECTION_H
#define SINTER_CODEGEN_X86_ROWSELECTION_H

#include "codegen/x86/KernelBuilder.h"

namespace sinter::x86 {

/// `lanes` rows from `first` on (vector form), or one, known only at run time
/// (scalar form, lanes = 1).
struct RowSelection {
  unsigned lanes;
  unsigned first = 0;
  Value row; ///< scalar form: i64 row within the group

  bool scalar() const { return lanes == 1; }

  /// Address of the rows' part of a line at `offset` of `base`, a line having
  /// `elementBytes` bytes of each row.
  Value at(KernelBuilder &k, Value base, unsigned offset,
           unsigned elementBytes) const {
    if (!scalar())
      return k.at(base, offset + first * elementBytes);
    return k.at(k.at(base, offset), k.mul(row, elementBytes));
  }

  /// The rows' 32-bit lanes of a line of 64 bytes.
  Value loadLine(KernelBuilder &k, Value base, unsigned offset) const {
    Type type = scalar() ? k.i32() : Type(k.vec(lanes, k.i32()));
    return k.load(type, at(k, base, offset, 4));
  }
};

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_ROWSELECTION_H
