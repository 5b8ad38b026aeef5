/// Greedy best fit by first use.
#include "passes/plan/ArenaLayout.h"

#include <algorithm>
#include <numeric>

namespace sinter {

namespace {
struct Span {
  uint64_t begin, end;
};
} // namespace

static bool alive(const Lifetime &a, const Lifetime &b) {
  return a.first <= b.last && b.first <= a.last;
}

/// Where the smallest gap between `taken`, sorted by begin, fits `bytes`.
static uint64_t bestGap(const std::vector<Span> &taken, uint64_t bytes) {
  uint64_t best = UINT64_MAX, bestBytes = UINT64_MAX, end = 0;
  for (const Span &span : taken) {
    uint64_t gap = span.begin > end ? span.begin - end : 0;
    if (gap >= bytes && gap < bestBytes) {
      best = end;
      bestBytes = gap;
    }
    end = std::max(end, span.end);
  }
  return best == UINT64_MAX ? end : best;
}

ArenaLayout layOut(const std::vector<Lifetime> &buffers) {
  std::vector<size_t> order(buffers.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    if (buffers[a].first != buffers[b].first)
      return buffers[a].first < buffers[b].first;
    return buffers[a].bytes > buffers[b].bytes;
  });
  ArenaLayout layout;
  layout.offsets.resize(buffers.size());
  std::vector<size_t> placed;
  for (size_t index : order) {
    std::vector<Span> taken;
    for (size_t other : placed)
      if (alive(buffers[index], buffers[other]))
        taken.push_back({layout.offsets[other],
                         layout.offsets[other] + buffers[other].bytes});
    std::sort(taken.begin(), taken.end(),
              [](const Span &a, const Span &b) { return a.begin < b.begin; });
    uint64_t offset = bestGap(taken, buffers[index].bytes);
    layout.offsets[index] = offset;
    layout.bytes = std::max(layout.bytes, offset + buffers[index].bytes);
    placed.push_back(index);
  }
  return layout;
}

} // namespace sinter
