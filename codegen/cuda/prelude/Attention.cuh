// Causal attention over the paged cache, online softmax (arXiv 2205.14135): a
// block takes the rows of one cache head and a few tokens, one after the other.
// Pages are taken in order of position, so an answer does not depend on the
// step's size.
namespace sinter::cuda {

constexpr unsigned kAttentionThreads = 128;

/// What a row of a head sees; `Shape` lists Cache's, Out, heads, queryStride,
/// tokens, scale(), window, softcap() (0: none), sinks, bidirectional, alibi()
/// (0: none).
template <typename Shape> struct Sight {
  unsigned head;
  int64_t own, last; ///< positions: of the token, and up to which it sees

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

  float score(float dot, int64_t key) const {
    if (key > last || (Shape::window && key <= last - int64_t(Shape::window)))
      return -infinity();
    float score = dot * Shape::scale();
    if constexpr (Shape::softcap() != 0)
      score =
          Shape::softcap() * tanhf(dot * (Shape::scale() / Shape::softcap()));
    if constexpr (Shape::alibi() != 0)
      score = fmaf(fabsf(float(key - own)), slope(), score);
    return score;
  }

  /// The first position that it sees.
  int64_t first() const {
    return Shape::window ? max(own + 1 - int64_t(Shape::window), int64_t(0))
                         : 0;
  }
};

template <typename Shape> struct AttentionRow {
  using Out = typename Shape::Out;
  using Element = typename Shape::Element;
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

  const Cache<Shape> &cache;
  int64_t slot;
  unsigned cacheHead;
  Sight<Shape> sight;
  float largest, sum;
  float outputs[columns];

  /// Scores of the keys of a page into `work.weights`.
  void scorePage(const Element *page, int64_t firstKey, Work &work) const {
    const unsigned key = threadIndex() % keys, part = threadIndex() / keys;
    const Element *place =
        Cache<Shape>::key(const_cast<Element *>(page), cacheHead, key);
    float dot = 0;
    for (unsigned d = part; d < Shape::keyWidth; d += parts)
      dot = fmaf(work.query.get(d), toFloat(load(place + d * kKeyBlock)), dot);
    work.dots.put(part * keys + key, dot);
    syncBlock();
    if (part == 0) {
      for (unsigned other = 1; other < parts; ++other)
        dot += work.dots.get(other * keys + key);
      work.weights.put(key, sight.score(dot, firstKey + key));
    }
    syncBlock();
  }

  /// Adds a page: scores to weights, and the values times them.
  void addPage(Element *page, int64_t firstKey, Work &work) {
    scorePage(page, firstKey, work);
    float most = largest;
    for (unsigned key = laneIndex(); key < keys; key += kWarp)
      most = fmaxf(most, work.weights.get(key));
    most = warpMax(most);
    syncBlock();
    if (most == -infinity()) // nothing of this page is seen, nor was before
      return;
    const float factor = expf(largest - most);
    if (threadIndex() < keys)
      work.weights.put(threadIndex(),
                       expf(work.weights.get(threadIndex()) - most));
    syncBlock();
    float added = 0;
    for (unsigned key = laneIndex(); key < keys; key += kWarp)
      added += work.weights.get(key);
    sum = fmaf(sum, factor, warpSum(added));
    largest = most;
    const unsigned count =
        unsigned(min(sight.last + 1 - firstKey, int64_t(keys)));
    const Element *values = Cache<Shape>::value(page, cacheHead, 0);
    for (unsigned c = 0; c < columns; ++c) {
      const unsigned column = c * kAttentionThreads + threadIndex();
      float output = outputs[c] * factor;
      if (column < Shape::valueWidth)
        for (unsigned key = 0; key < count; ++key)
          output = fmaf(
              work.weights.get(key),
              toFloat(load(values + key * Shape::valueWidth + column)), output);
      outputs[c] = output;
    }
    syncBlock();
  }

  void run(const float *query, Work &work) {
    for (unsigned i = threadIndex(); i < Shape::keyWidth;
         i += kAttentionThreads)
      work.query.put(i, load(query + sight.head * Shape::keyWidth + i));
    syncBlock();
    for (int64_t first = sight.first() / keys * keys; first <= sight.last;
         first += keys)
      addPage(cache.page(slot, first), first, work);
  }

  void write(char *row) const {
    const float inverse = 1.0f / sum;
    for (unsigned c = 0; c < columns; ++c) {
      const unsigned column = c * kAttentionThreads + threadIndex();
      const unsigned place = sight.head * Shape::valueWidth + column;
      if constexpr (Out::q8) {
        if (column < Shape::valueWidth) // the same for a whole warp
          writeBlock<Out>(row, place / 32, outputs[c] * inverse);
      } else if (column < Shape::valueWidth) {
        storeAt<float>(row, 4 * place, outputs[c] * inverse);
      }
    }
    if (sight.head == 0)
      writePadding<Out>(row, kAttentionThreads / kWarp);
  }
};

/// The position of the last token of a sequence, from one of its tokens on.
inline int64_t lastOfSequence(const Batch &batch, unsigned token) {
  const int32_t *slots = load(&batch.slots);
  const unsigned tokens = load(&batch.tokens);
  const int32_t slot = load(slots + token);
  while (token + 1 < tokens && load(slots + token + 1) == slot)
    ++token;
  return load(load(&batch.positions) + token);
}

template <typename Shape>
inline void attention(void *const *operands, const Batch &batch) {
  using Row = AttentionRow<Shape>;
  __shared__ typename Row::Work work;
  constexpr unsigned group = Shape::heads / Shape::cacheHeads;
  const auto *query = static_cast<const float *>(operands[0]);
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
    const int64_t own = load(load(&batch.positions) + token);
    Row row = {cache,       load(load(&batch.slots) + token),
               cacheHead,   {head, own, own},
               -infinity(), 0.0f,
               {}};
    if constexpr (Shape::bidirectional)
      row.sight.last = lastOfSequence(batch, token);
    if constexpr (Shape::sinks) { // a score without a value
      row.largest = load(sinks + head);
      row.sum = 1;
    }
    row.run(query + uint64_t(token) * Shape::queryStride, work);
    row.write(Row::Out::at(operands[Shape::sinks ? 3 : 2], token));
    syncBlock();
  }
}

} // namespace sinter::cuda
