// Symbols are a linked list over their first places, candidates a heap whose
// stale entries are recognised when their turn comes.
#include "runtime/tokenizer/MergeLoop.h"

#include <algorithm>

namespace sinter {

static constexpr int32_t kMergedAway = -2;

void MergeLoop::add(int32_t id) {
  auto at = static_cast<int32_t>(symbols.size());
  if (at > 0)
    symbols.back().next = at;
  symbols.push_back({id, at - 1, -1});
}

void MergeLoop::mergeAll() {
  for (int32_t i = 0; i + 1 < static_cast<int32_t>(symbols.size()); ++i)
    if (int32_t rank = merges->find(symbols[i].id, symbols[i + 1].id);
        rank >= 0)
      heap.push_back({rank, i});
  std::make_heap(heap.begin(), heap.end());
  while (!heap.empty())
    mergeBest();
}

void MergeLoop::mergeBest() {
  std::pop_heap(heap.begin(), heap.end());
  Candidate best = heap.back();
  heap.pop_back();
  const MergeIds &merge = (*merges)[best.rank];
  Symbol &left = symbols[best.left];
  // A symbol that was merged away has no id, so stale candidates fail here.
  if (left.id != merge.left || left.next < 0 ||
      symbols[left.next].id != merge.right)
    return;
  Symbol &right = symbols[left.next];
  left.id = merge.merged;
  left.next = right.next;
  right.id = kMergedAway;
  if (left.next >= 0)
    symbols[left.next].previous = best.left;
  consider(left.previous, best.left);
  consider(best.left, left.next);
}

void MergeLoop::consider(int32_t left, int32_t right) {
  if (left < 0 || right < 0)
    return;
  if (int32_t rank = merges->find(symbols[left].id, symbols[right].id);
      rank >= 0) {
    heap.push_back({rank, left});
    std::push_heap(heap.begin(), heap.end());
  }
}

} // namespace sinter
