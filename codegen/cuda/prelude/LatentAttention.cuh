// Causal attention of several heads at once over cached latent rows, which are
// keys and, in their beginning, values: each row is loaded once for all heads
// of the block. Online softmax, pages in order of position, as in
// Attention.cuh.
namespace sinter::cuda {

constexpr unsigned kLatentThreads = 128;

/// `Shape` lists Cache's (one head, no values), rank, rotary, heads, sharing
/// (heads of a block), tokens, scale(), latentStride, rotatedStride and Out.
template <typename Shape> struct LatentRow {
  using Out = typename Shape::Out;
  using Element = typename Shape::Element;
  static constexpr unsigned keys = Shape::pageTokens, width = Shape::keyWidth;
  static constexpr unsigned sharing = Shape::sharing, rank = Shape::rank;
  static constexpr unsigned warps = kLatentThreads / kWarp;
  static constexpr unsigned headsOfWarp = (sharing + warps - 1) / warps;
  static constexpr unsigned columns =
      (rank + kLatentThreads - 1) / kLatentThreads;

  struct Work {
    SharedArray<float, sharing * width> queries;
    SharedArray<float, sharing * keys> weights; ///< scores, then their exp
    SharedArray<float, sharing> factors;
  };

  Work &work;
  const Cache<Shape> &cache;
  unsigned firstHead, token;
  int64_t last;                                  ///< the token's own position
  float largest[headsOfWarp], sums[headsOfWarp]; ///< of the warp's heads
  float outputs[columns][sharing];

  static constexpr unsigned headOf(unsigned i, unsigned warp) {
    return i * warps + warp;
  }

  void fetchQueries(const float *latent, const float *rotated) const {
    latent += uint64_t(token) * Shape::latentStride + firstHead * rank;
    rotated +=
        uint64_t(token) * Shape::rotatedStride + firstHead * Shape::rotary;
    for (unsigned i = threadIndex(); i < sharing * width; i += kLatentThreads) {
      const unsigned head = i / width, column = i % width;
      work.queries.put(i, column < rank ? load(latent + head * rank + column)
                                        : load(rotated + head * Shape::rotary +
                                               (column - rank)));
    }
    syncBlock();
  }

  /// Scores of the first `count` rows of a page, a warp for each.
  void score(const Element *page, unsigned count) const {
    for (unsigned key = warpIndex(); key < count; key += warps) {
      float dots[sharing] = {};
      for (unsigned i = laneIndex(); i < width; i += kWarp) {
        const float x = toFloat(load(page + key * width + i));
#pragma unroll
        for (unsigned head = 0; head < sharing; ++head)
          dots[head] = fmaf(work.queries.get(head * width + i), x, dots[head]);
      }
#pragma unroll
      for (unsigned head = 0; head < sharing; ++head) {
        const float dot = warpSum(dots[head]);
        if (laneIndex() == 0)
          work.weights.put(head * keys + key, dot * Shape::scale());
      }
    }
    syncBlock();
  }

  /// Scores to weights, head by head, a warp for each.
  void weigh(unsigned count) {
#pragma unroll
    for (unsigned i = 0; i < headsOfWarp; ++i) {
      const unsigned head = headOf(i, warpIndex());
      if (head >= sharing)
        continue;
      float most = largest[i], added = 0;
      for (unsigned key = laneIndex(); key < count; key += kWarp)
        most = fmaxf(most, work.weights.get(head * keys + key));
      most = warpMax(most);
      for (unsigned key = laneIndex(); key < count; key += kWarp) {
        const float weight = expf(work.weights.get(head * keys + key) - most);
        work.weights.put(head * keys + key, weight);
        added += weight;
      }
      const float factor = expf(largest[i] - most);
      sums[i] = fmaf(sums[i], factor, warpSum(added));
      largest[i] = most;
      if (laneIndex() == 0)
        work.factors.put(head, factor);
    }
    syncBlock();
  }

  /// Adds the values of a page.
  void add(const Element *page, unsigned count) {
#pragma unroll
    for (unsigned c = 0; c < columns; ++c) {
      const unsigned column = c * kLatentThreads + threadIndex();
      if (column >= rank)
        continue;
#pragma unroll
      for (unsigned head = 0; head < sharing; ++head)
        outputs[c][head] *= work.factors.get(head);
      for (unsigned key = 0; key < count; ++key) {
        const float x = toFloat(load(page + key * width + column));
#pragma unroll
        for (unsigned head = 0; head < sharing; ++head)
          outputs[c][head] =
              fmaf(work.weights.get(head * keys + key), x, outputs[c][head]);
      }
    }
    syncBlock();
  }

  void run(int64_t slot) {
    for (unsigned i = 0; i < headsOfWarp; ++i) {
      largest[i] = -infinity();
      sums[i] = 0;
    }
    for (unsigned c = 0; c < columns; ++c)
      for (unsigned head = 0; head < sharing; ++head)
        outputs[c][head] = 0;
    for (int64_t first = 0; first <= last; first += keys) {
      const auto *page =
          reinterpret_cast<const Element *>(cache.page(slot, first));
      const unsigned count = unsigned(min(last + 1 - first, int64_t(keys)));
      score(page, count);
      weigh(count);
      add(page, count);
    }
  }

  void write(char *row) const {
#pragma unroll
    for (unsigned i = 0; i < headsOfWarp; ++i)
      if (headOf(i, warpIndex()) < sharing && laneIndex() == 0)
        work.factors.put(headOf(i, warpIndex()), 1.0f / sums[i]);
    syncBlock();
#pragma unroll
    for (unsigned c = 0; c < columns; ++c) {
      const unsigned column = c * kLatentThreads + threadIndex();
      if (column >= rank) // the same for a whole warp where rows are 8-bit
        continue;
#pragma unroll
      for (unsigned head = 0; head < sharing; ++head) {
        const unsigned place = (firstHead + head) * rank + column;
        const float x = outputs[c][head] * work.factors.get(head);
        if constexpr (Out::q8)
          writeBlock<Out>(row, place / 32, x);
        else
          storeAt<float>(row, 4 * place, x);
      }
    }
    if (firstHead == 0)
      writePadding<Out>(row, warps);
    syncBlock();
  }
};

template <typename Shape>
inline void latentAttention(void *const *operands, const Batch &batch) {
  using Row = LatentRow<Shape>;
  __shared__ typename Row::Work work;
  const Cache<Shape> cache = {operands[2], batch};
  const unsigned tokens = load(&batch.tokens);
  const unsigned tiles = (tokens + Shape::tokens - 1) / Shape::tokens;
  const unsigned firstHead = unsigned(itemIndex()) / tiles * Shape::sharing;
  const unsigned first = unsigned(itemIndex()) % tiles * Shape::tokens;
  for (unsigned token = first; token < first + Shape::tokens && token < tokens;
       ++token) {
    Row row = {
        work, cache, firstHead, token, load(load(&batch.positions) + token),
        {},   {},    {}};
    row.fetchQueries(static_cast<const float *>(operands[0]),
                     static_cast<const float *>(operands[1]));
    row.run(load(load(&batch.slots) + token));
    row.write(Row::Out::at(operands[3], token));
  }
}

} // namespace sinter::cuda
