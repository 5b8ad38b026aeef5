/// Finds the merge of two adjacent tokens: the inner loop of byte-level BPE.
#ifndef SINTER_RUNTIME_TOKENIZER_MERGETABLE_H
#define SINTER_RUNTIME_TOKENIZER_MERGETABLE_H

#include "runtime/Status.h"
#include "runtime/Vocabulary.h"
#include "runtime/tokenizer/TokenIndex.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// The ids of "left right", all -1 where it is no pair of tokens or where they
/// do not join to a token. `joined` is a buffer for the caller to keep.
MergeIds resolveMerge(std::string_view merge, const TokenIndex &index,
                      std::string &joined);

/// Where the search for a pair starts is in the upper half; public so that a
/// test can make pairs collide.
uint64_t hashPair(int32_t left, int32_t right);

class MergeTable {
public:
  /// The merges of `vocabulary`, resolved if they are not. It must outlive the
  /// table where it holds them resolved. Fails with CorruptData where a merge
  /// joins no two tokens to a third.
  static Result<MergeTable> create(const Vocabulary &vocabulary,
                                   const TokenIndex &index);

  MergeTable(MergeTable &&) = default;
  MergeTable &operator=(MergeTable &&) = default;

  /// The rank of the merge of two token ids, -1 if there is none. The lowest
  /// rank goes first.
  int32_t find(int32_t left, int32_t right) const;
  const MergeIds &operator[](int32_t rank) const { return merges[rank]; }

private:
  struct Slot {
    uint32_t tag = 0;
    int32_t rank = -1;
  };

  MergeTable() = default;
  Status insert(int32_t rank);

  std::vector<MergeIds> resolved; ///< empty where the vocabulary has them
  std::span<const MergeIds> merges;
  std::vector<Slot> slots;
};

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_MERGETABLE_H
