// What happens to the heads of a step before attention: head norm, rotation and
// the write of keys and values into the cache. A block is one head of a token.
namespace sinter::cuda {

constexpr unsigned kHeadThreads = 128;

template <typename Shape> struct HeadWork {
  SharedArray<float, Shape::keyWidth> values;
  WarpSums space;
};

/// The head at `source` into the work space, normed if there is a weight.
template <typename Shape>
inline void loadHead(HeadWork<Shape> &work, const float *source,
                     const float *weight) {
  float inverse = 1;
  if (weight) {
    float sum = 0;
    for (unsigned i = threadIndex(); i < Shape::keyWidth; i += kHeadThreads) {
      const float x = load(source + i);
      sum += x * x;
    }
    sum = blockSum<kHeadThreads>(sum, work.space);
    inverse = 1.0f / sqrtf(sum / float(Shape::keyWidth) + Shape::epsilon());
  }
  for (unsigned i = threadIndex(); i < Shape::keyWidth; i += kHeadThreads) {
    float x = load(source + i);
    if (weight)
      x = x * inverse * load(weight + i);
    work.values.put(i, x);
  }
  syncBlock();
}

/// Turns pairs of the first `rotary` elements by the token's angles.
template <typename Shape>
inline void rotate(HeadWork<Shape> &work, const float *angles) {
  constexpr unsigned pairs = Shape::rotary / 2;
  if constexpr (pairs != 0) {
    for (unsigned pair = threadIndex(); pair < pairs; pair += kHeadThreads) {
      const unsigned first = Shape::neox ? pair : 2 * pair;
      const unsigned second = Shape::neox ? pair + pairs : 2 * pair + 1;
      const float cosine = load(angles + pair);
      const float sine = load(angles + pairs + pair);
      const float x = work.values.get(first), y = work.values.get(second);
      work.values.put(first, x * cosine - y * sine);
      work.values.put(second, x * sine + y * cosine);
    }
    syncBlock();
  }
}

template <typename Shape>
inline void writeCache(const HeadWork<Shape> &work, const Cache<Shape> &cache,
                       unsigned token, unsigned head, const float *value) {
  const Batch &batch = cache.batch;
  const int64_t position = load(load(&batch.positions) + token);
  const int64_t slot = load(load(&batch.slots) + token);
  auto *page = cache.page(slot, position);
  const unsigned inPage = position % Shape::pageTokens;
  for (unsigned i = threadIndex(); i < Shape::keyWidth; i += kHeadThreads)
    Cache<Shape>::storeKey(page, head, inPage, i, work.values.get(i));
  for (unsigned i = threadIndex(); i < Shape::valueWidth; i += kHeadThreads)
    Cache<Shape>::storeValue(page, head, inPage, i,
                             load(value + head * Shape::valueWidth + i));
}

/// `Shape` lists Cache's, queryHeads, rotary, neox, queryNorm, keyNorm,
/// epsilon() and the strides of query, key, value and output rows.
template <typename Shape>
inline void heads(void *const *operands, const Batch &batch) {
  __shared__ HeadWork<Shape> work;
  unsigned next = 0;
  auto take = [&](bool present) {
    return present ? static_cast<float *>(operands[next++]) : nullptr;
  };
  const bool asks = Shape::queryHeads != 0, keeps = Shape::cacheHeads != 0;
  const float *query = take(asks), *queryNorm = take(Shape::queryNorm);
  const float *key = take(keeps), *keyNorm = take(Shape::keyNorm);
  const float *value = take(keeps), *angles = take(Shape::rotary != 0);
  const void *cache = take(keeps);
  float *output = take(asks);
  constexpr unsigned each = Shape::queryHeads + Shape::cacheHeads;
  const unsigned token = itemIndex() / each, head = itemIndex() % each;
  if (angles)
    angles += token * Shape::rotary;
  if (head < Shape::queryHeads) {
    const unsigned column = head * Shape::keyWidth;
    loadHead(work, query + token * Shape::queryStride + column, queryNorm);
    rotate(work, angles);
    for (unsigned i = threadIndex(); i < Shape::keyWidth; i += kHeadThreads)
      store(output + token * Shape::outputStride + column + i,
            work.values.get(i));
    return;
  }
  const unsigned own = head - Shape::queryHeads;
  loadHead(work, key + token * Shape::keyStride + own * Shape::keyWidth,
           keyNorm);
  rotate(work, angles);
  if constexpr (Shape::cacheHeads != 0)
    writeCache(work, Cache<Shape>{cache, batch}, token, own,
               value + token * Shape::valueStride);
}

} // namespace sinter::cuda
