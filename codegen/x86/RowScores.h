/// Products of queries with keys that lie row by row, as latent attention's
/// cache has them: lanes go along a key, not across keys.
#ifndef SINTER_CODEGEN_X86_ROWSCORES_H
#define SINTER_CODEGEN_X86_ROWSCORES_H

#include "codegen/x86/KernelBuilder.h"

namespace sinter::x86 {

/// A query of two parts: addresses of `width` float32 each.
struct QueryPart {
  Values rows;
  unsigned width;
};

/// Keys of one page: `all` rows of both parts' widths, of which the first
/// `seen` (i64) matter.
struct RowKeys {
  Value base;
  Type element;
  unsigned elementBytes, all;
  Value seen;
};

/// Writes the products of each query with each key that matters to `scores`, a
/// row of `rowBytes` for each query. The order of a product's sums is that of
/// its columns, whatever is computed beside it.
void emitRowScores(KernelBuilder &k, const QueryPart &first,
                   const QueryPart &second, const RowKeys &keys, Value scores,
                   unsigned rowBytes);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_ROWSCORES_H
