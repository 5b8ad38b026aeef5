// Causal attention over the paged cache, online softmax (arXiv 2205.14135): a
// block takes the rows of one cache head and a few tokens, one after the other,
// or one split of one row. The splits of what a row sees are summed up page by
// page and folded in turn, so an answer does not depend on the step's size.
namespace sinter::cuda {

constexpr unsigned kAttentionThreads = 128;

/// What a row of a head sees; `Shape` lists Cache's, Out, heads, queryStride,
/// tokens, splits, scale(), window, softcap() (0: none), sinks, bidirectional,
/// alibi() (0: none).
template <typename Shape> struct Sight {
  unsigned head;
  int own, last; ///< positions: of the token, and up to which it sees

  /// Minus the slope of a head (arXiv 2108.12409): a power of two for the
  /// first 2^n heads; heads beyond get those halfway between.
  float slope() const {
    constexpr unsigned whole = floorPower(Shape::heads);
    constexpr float step = Shape::alibi() / float(whole);
    const float power = head < whole ? step * float(head + 1)
                                     : step / 2 * float(2 * (head - whole) + 1);
    return -exp2f(-power);
  }
  static constexpr unsigned floorPower(unsigned number) {
    unsigned power = 1;
    while (2 * power <= number)
      power *= 2;
    return power;
  }

  /// The score of a key that it sees.
  float score(float dot, int key) const {
    float score = dot * Shape::scale();
    if constexpr (Shape::softcap() != 0)
      score =
          Shape::softcap() * tanhf(dot * (Shape::scale() / Shape::softcap()));
    if constexpr (Shape::alibi() != 0)
      score = fmaf(fabsf(float(key - own)), slope(), score);
    return score;
  }

  /// The first position that it sees.
  int first() const {
    return Shape::window ? max(last + 1 - int(Shape::window), 0) : 0;
  }
};

/// The position of the last token of a sequence, from one of its tokens on.
inline int lastOfSequence(const Batch &batch, unsigned token) {
  const int32_t *slots = load(&batch.slots);
  const unsigned tokens = load(&batch.tokens);
  const int32_t slot = load(slots + token);
  while (token + 1 < tokens && load(slots + token + 1) == slot)
    ++token;
  return load(load(&batch.positions) + token);
}

template <typename Shape>
inline Sight<Shape> sightOf(const Batch &batch, unsigned token, unsigned head) {
  const int own = load(load(&batch.positions) + token);
  if constexpr (Shape::bidirectional)
    return {head, own, lastOfSequence(batch, token)};
  else
    return {head, own, own};
}

template <typename Shape> struct AttentionRow {
  using Out = typename Shape::Out;
  static constexpr unsigned keys = Shape::pageTokens;
  static constexpr unsigned parts = kAttentionThreads / keys;
  static constexpr unsigned columns =
      (Shape::valueWidth + kAttentionThreads - 1) / kAttentionThreads;
  static_assert(kAttentionThreads % keys == 0 && keys % kWarp == 0,
                "each warp has keys of one part of the sums only");

  struct Work {
    SharedArray<float, Shape::keyWidth> query;
    SharedArray<float, parts * keys> dots;
    SharedArray<float, keys> weights;
  };

  /// What was seen so far; each thread has its columns of the values.
  struct Sums {
    Fold fold = Fold::empty();
    float outputs[columns] = {};
  };

  const Cache<Shape> &cache;
  int64_t slot;
  unsigned cacheHead;
  Sight<Shape> sight;

  static AttentionRow of(const Cache<Shape> &cache, unsigned token,
                         unsigned head) {
    return {cache, load(load(&cache.batch.slots) + token),
            head / (Shape::heads / Shape::cacheHeads),
            sightOf<Shape>(cache.batch, token, head)};
  }

  /// The row's query into `work`, which it is multiplied from.
  void fetchQuery(const void *queries, unsigned token, Work &work) const {
    const float *query = static_cast<const float *>(queries) +
                         uint64_t(token) * Shape::queryStride +
                         sight.head * Shape::keyWidth;
    for (unsigned i = threadIndex(); i < Shape::keyWidth;
         i += kAttentionThreads)
      work.query.put(i, load(query + i));
    syncBlock();
  }

  /// Scores of the keys of a page into `work.weights`; those beside `range` are
  /// not seen.
  void scorePage(char *page, int firstKey, const KeyRange &range,
                 Work &work) const {
    const unsigned key = threadIndex() % keys, part = threadIndex() / keys;
    float dot = 0;
    for (unsigned d = part; d < Shape::keyWidth; d += parts)
      dot = fmaf(work.query.get(d),
                 Cache<Shape>::loadKey(page, cacheHead, key, d), dot);
    work.dots.put(part * keys + key, dot);
    syncBlock();
    if (part == 0) {
      for (unsigned other = 1; other < parts; ++other)
        dot += work.dots.get(other * keys + key);
      const int own = firstKey + int(key);
      work.weights.put(key, own < range.begin || own >= range.end
                                ? -infinity()
                                : sight.score(dot, own));
    }
    syncBlock();
  }

  /// Adds a page, of which something is seen: scores to weights, and the
  /// values times them.
  void addPage(char *page, int firstKey, const KeyRange &range, Sums &sums,
               Work &work) const {
    scorePage(page, firstKey, range, work);
    float most = sums.fold.largest;
    for (unsigned key = laneIndex(); key < keys; key += kWarp)
      most = fmaxf(most, work.weights.get(key));
    most = warpMax(most);
    syncBlock();
    if (threadIndex() < keys)
      work.weights.put(threadIndex(),
                       expf(work.weights.get(threadIndex()) - most));
    syncBlock();
    float added = 0;
    for (unsigned key = laneIndex(); key < keys; key += kWarp)
      added += work.weights.get(key);
    const float factor = expf(sums.fold.largest - most);
    sums.fold = {most, fmaf(sums.fold.sum, factor, warpSum(added))};
    const auto count = unsigned(min(range.end - firstKey, int(keys)));
    for (unsigned c = 0; c < columns; ++c) {
      const unsigned column = c * kAttentionThreads + threadIndex();
      float output = sums.outputs[c] * factor;
      if (column < Shape::valueWidth)
        for (unsigned key = 0; key < count; ++key)
          output = fmaf(work.weights.get(key),
                        Cache<Shape>::loadValue(page, cacheHead, key, column),
                        output);
      sums.outputs[c] = output;
    }
    syncBlock();
  }

  KeyRange rangeOf(unsigned split) const {
    return partOfKeys<keys, Shape::splits>(sight.first(), sight.last, split);
  }
  unsigned splitCount() const {
    return partsWithKeys<keys, Shape::splits, 1>(sight.first(), sight.last);
  }

  /// What one split has.
  Sums sumSplit(unsigned split, Work &work) const {
    Sums sums;
    const KeyRange range = rangeOf(split);
    for (int first = range.begin / int(keys) * int(keys); first < range.end;
         first += int(keys))
      addPage(cache.page(slot, first), first, range, sums, work);
    return sums;
  }

  /// All splits, folded in turn.
  Sums sumAll(const Fold &begin, Work &work) const {
    Sums sums;
    sums.fold = begin;
    for (unsigned split = 0; split < splitCount(); ++split) {
      const Sums own = sumSplit(split, work);
      const Fold::Factors factors = sums.fold.add(own.fold);
      for (unsigned c = 0; c < columns; ++c)
        sums.outputs[c] = factors.add(sums.outputs[c], own.outputs[c]);
    }
    return sums;
  }

  void write(const Sums &sums, char *row) const {
    for (unsigned c = 0; c < columns; ++c) {
      const unsigned column = c * kAttentionThreads + threadIndex();
      const unsigned place = sight.head * Shape::valueWidth + column;
      if constexpr (Out::q8) {
        if (column < Shape::valueWidth) // the same for a whole warp
          writeBlock<Out>(row, place / 32, sums.outputs[c] / sums.fold.sum);
      } else if (column < Shape::valueWidth) {
        storeAt<float>(row, 4 * place, sums.outputs[c] / sums.fold.sum);
      }
    }
    if (sight.head == 0)
      writePadding<Out>(row, kAttentionThreads / kWarp);
  }
};

template <typename Shape>
inline void attention(void *const *operands, const Batch &batch) {
  using Row = AttentionRow<Shape>;
  __shared__ typename Row::Work work;
  constexpr unsigned group = Shape::heads / Shape::cacheHeads;
  const Cache<Shape> cache = {operands[1], batch};
  const auto *sinks = static_cast<const float *>(operands[2]);
  const unsigned tokens = load(&batch.tokens);
  const unsigned tiles = (tokens + Shape::tokens - 1) / Shape::tokens;
  const unsigned cacheHead = unsigned(itemIndex()) / tiles;
  const unsigned first = unsigned(itemIndex()) % tiles * Shape::tokens;
  for (unsigned i = 0; i < Shape::tokens * group; ++i) {
    const unsigned token = first + i / group;
    if (token >= tokens)
      return;
    const unsigned head = cacheHead * group + i % group;
    const auto row = Row::of(cache, token, head);
    Fold begin = Fold::empty();
    if constexpr (Shape::sinks) // a score without a value
      begin = {load(sinks + head), 1.0f};
    row.fetchQuery(operands[0], token, work);
    row.write(row.sumAll(begin, work),
              Row::Out::at(operands[Shape::sinks ? 3 : 2], token));
    syncBlock();
  }
}

/// An item is a split of a head of a token.
template <typename Shape>
inline void attentionSplit(void *const *operands, const Batch &batch) {
  using Row = AttentionRow<Shape>;
  __shared__ typename Row::Work work;
  const Cache<Shape> cache = {operands[1], batch};
  const unsigned tokens = load(&batch.tokens);
  const unsigned number = unsigned(itemIndex()) / tokens;
  const unsigned token = unsigned(itemIndex()) % tokens;
  const unsigned head = number / Shape::splits;
  const auto row = Row::of(cache, token, head);
  const auto to = SplitRow<Shape>::at(operands[2], token);
  if (number % Shape::splits >= row.splitCount()) {
    if (threadIndex() == 0)
      to.put(number, Fold::empty());
    return;
  }
  row.fetchQuery(operands[0], token, work);
  const auto sums = row.sumSplit(number % Shape::splits, work);
  if (threadIndex() == 0)
    to.put(number, sums.fold);
  for (unsigned c = 0; c < Row::columns; ++c) {
    const unsigned column = c * kAttentionThreads + threadIndex();
    if (column < Shape::valueWidth)
      to.putValue(number, column, sums.outputs[c]);
  }
}

} // namespace sinter::cuda
