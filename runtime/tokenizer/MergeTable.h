/// Finds the merge of two adjacent tokens: the inner loop of byte-level BPE.
#ifndef SINTER_RUNTIME_TOKENIZER_MERGETABLE_H
#define SINTER_RUNTIME_TOKENIZER_MERGETABLE_H

#include "runtime/Status.h"
#include "runtime/Vocabulary.h"
#include "runtime/tokenizer/TokenIndex.h"

#include <cstdint>
#include <vector>

namespace sinter {

class MergeTable {
public:
  struct Merge {
    int32_t left = -1;
    int32_t right = -1;
    uint32_t rank = 0; ///< place in the list of merges; the lowest goes first
    int32_t merged = -1;
  };

  /// Fails with CorruptData where a merge is no pair, or where a part or the
  /// result is no token.
  static Result<MergeTable> create(const StringTable &merges,
                                   const TokenIndex &index);

  /// The merge of two token ids, null if there is none.
  const Merge *find(int32_t left, int32_t right) const;

private:
  size_t home(int32_t left, int32_t right) const;

  std::vector<Merge> slots;
};

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_MERGETABLE_H
