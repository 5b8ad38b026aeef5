/// Writes rows of activations: float32 as they are, or quantised to blocks of
/// 32 with the sums that their readers need (layout: ActivationLayout.h).
#ifndef SINTER_CODEGEN_X86_ROWWRITER_H
#define SINTER_CODEGEN_X86_ROWWRITER_H

#include "codegen/x86/KernelBuilder.h"
#include "dialects/tile/Tile.h"

namespace sinter::x86 {

/// Bytes from one row to the next.
unsigned rowBytes(tile::RowAttr row);

/// Address of row `index` of the rows at `base`.
Value rowAt(KernelBuilder &k, tile::RowAttr row, Value base, Value index);

/// Writes columns 32·block … 32·block+31 of a row. `columns` are 32 float32 in
/// 32 / lanes vectors, `block` an i64.
void writeBlock(KernelBuilder &k, tile::RowAttr row, Value rowAddress,
                Value block, ValueRange columns);

/// What bytes up to `most` count of numbers up to `largest` (float32, not
/// negative), and its inverse; both 0 where all are zeros, or so small that the
/// inverse would overflow.
std::pair<Value, Value> unitsOf(KernelBuilder &k, Value largest, float most);

/// 32 numbers as signed bytes times one float32.
struct ByteBlock {
  Value scale;
  Values codes; ///< int32 vectors, like those that they were
};
ByteBlock toBytes(KernelBuilder &k, ValueRange columns);

/// Zeroes what lies behind the last column of an 8-bit row, which readers take
/// for weights of padding. Nothing to do for float32.
void writePadding(KernelBuilder &k, tile::RowAttr row, Value rowAddress);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_ROWWRITER_H
