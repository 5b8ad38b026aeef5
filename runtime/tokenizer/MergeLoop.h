/// The loop of byte-pair encoding: the merge of lowest rank until none is left.
#ifndef SINTER_RUNTIME_TOKENIZER_MERGELOOP_H
#define SINTER_RUNTIME_TOKENIZER_MERGELOOP_H

#include "runtime/tokenizer/MergeTable.h"

#include <cstdint>
#include <vector>

namespace sinter {

/// Buffers that serve one word after the other.
class MergeLoop {
public:
  explicit MergeLoop(const MergeTable &merges) : merges(&merges) {}

  void clear() {
    symbols.clear();
    heap.clear();
  }
  /// The next symbol of the word; -1: no token, which is never merged.
  void add(int32_t id);
  void mergeAll();

  /// Calls `visit` with what is left, from left to right: the token, and which
  /// of the added symbols it begins with.
  template <typename Visitor> Status forEach(Visitor visit) const {
    for (int32_t at = symbols.empty() ? -1 : 0; at >= 0; at = symbols[at].next)
      SINTER_TRY(visit(symbols[at].id, static_cast<size_t>(at)));
    return Status();
  }

private:
  struct Symbol {
    int32_t id;
    int32_t previous;
    int32_t next;
  };
  struct Candidate {
    int32_t rank;
    int32_t left;
    /// Lowest rank first, then leftmost; the heap keeps its greatest on top.
    bool operator<(const Candidate &other) const {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };

  void mergeBest();
  void consider(int32_t left, int32_t right);

  const MergeTable *merges;
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_MERGELOOP_H
