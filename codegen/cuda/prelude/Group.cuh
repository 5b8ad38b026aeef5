// A step's assignments of tokens to experts, sorted by expert: a stable
// counting sort by one block, each warp taking some of the experts.
namespace sinter::cuda {

constexpr unsigned kGroupThreads = 256;

/// `Shape` lists experts and top.
template <typename Shape> struct Grouping {
  static constexpr unsigned experts = Shape::experts;
  static constexpr unsigned warps = kGroupThreads / kWarp;
  static constexpr unsigned each =
      (experts + kGroupThreads - 1) / kGroupThreads;

  struct Work {
    SharedArray<unsigned, experts> counts; ///< assignments up to an expert
    SharedArray<unsigned, experts> active; ///< active experts up to one
  };

  Work &work;
  const int32_t *ids;
  int32_t *groups, *order;
  unsigned assignments;

  /// Calls `body` with the lanes that have an assignment of `expert`, and the
  /// first of the 32 assignments that they look at.
  template <typename Body> void eachOf(unsigned expert, Body body) const {
    for (unsigned first = 0; first < assignments; first += kWarp) {
      const unsigned own = first + laneIndex();
      const bool same = own < assignments && load(ids + own) == int32_t(expert);
      body(ballot(same), own);
    }
  }

  void count() const {
    for (unsigned expert = warpIndex(); expert < experts; expert += warps) {
      unsigned number = 0;
      eachOf(expert,
             [&](uint32_t lanes, unsigned) { number += countBits(lanes); });
      if (laneIndex() == 0) {
        work.counts.put(expert, number);
        work.active.put(expert, number != 0);
      }
    }
    syncBlock();
  }

  /// Sums from the first expert up to each, itself included (Hillis and Steele
  /// 1986): in log2(experts) rounds of the whole block.
  void accumulate() const {
    for (unsigned step = 1; step < experts; step *= 2) {
      unsigned counts[each], active[each];
#pragma unroll
      for (unsigned i = 0; i < each; ++i) {
        const unsigned own = i * kGroupThreads + threadIndex();
        const bool adds = own >= step && own < experts;
        counts[i] = adds ? work.counts.get(own - step) : 0;
        active[i] = adds ? work.active.get(own - step) : 0;
      }
      syncBlock();
#pragma unroll
      for (unsigned i = 0; i < each; ++i) {
        const unsigned own = i * kGroupThreads + threadIndex();
        if (own >= experts)
          continue;
        work.counts.put(own, work.counts.get(own) + counts[i]);
        work.active.put(own, work.active.get(own) + active[i]);
      }
      syncBlock();
    }
  }

  void place() const {
    for (unsigned expert = warpIndex(); expert < experts; expert += warps) {
      const unsigned begin = expert ? work.counts.get(expert - 1) : 0;
      if (begin == work.counts.get(expert))
        continue;
      if (laneIndex() == 0) {
        const unsigned number = work.active.get(expert) - 1;
        store(groups + 1 + number, int32_t(expert));
        store(groups + 1 + experts + number, int32_t(begin));
      }
      unsigned next = begin;
      eachOf(expert, [&](uint32_t lanes, unsigned own) {
        const uint32_t below = lanes & ((1u << laneIndex()) - 1);
        if (lanes >> laneIndex() & 1)
          store(order + next + countBits(below), int32_t(own));
        next += countBits(lanes);
      });
    }
    if (threadIndex() == 0) {
      const unsigned active = work.active.get(experts - 1);
      store(groups, int32_t(active));
      store(groups + 1 + experts + active, int32_t(assignments));
    }
  }
};

template <typename Shape>
inline void group(void *const *operands, const Batch &batch) {
  __shared__ typename Grouping<Shape>::Work work;
  const Grouping<Shape> grouping = {
      work, static_cast<const int32_t *>(operands[0]),
      static_cast<int32_t *>(operands[1]), static_cast<int32_t *>(operands[2]),
      unsigned(load(&batch.tokens)) * Shape::top};
  grouping.count();
  grouping.accumulate();
  grouping.place();
}

} // namespace sinter::cuda
