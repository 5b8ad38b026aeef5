// The last step of attention whose context several blocks shared: folds the
// splits of each head in turn and writes rows. An item is a token's rows of a
// cache head.
namespace sinter::cuda {

constexpr unsigned kMergeThreads = 256;

/// `Shape` lists heads, cacheHeads, valueWidth, splits, sinks and Out.
template <typename Shape>
inline void mergeSplits(void *const *operands, const Batch &batch) {
  using Out = typename Shape::Out;
  constexpr unsigned warps = kMergeThreads / kWarp;
  constexpr unsigned group = Shape::heads / Shape::cacheHeads;
  constexpr unsigned chunks = (Shape::valueWidth + kWarp - 1) / kWarp;
  const unsigned tokens = load(&batch.tokens);
  const unsigned cacheHead = unsigned(itemIndex()) / tokens;
  const unsigned token = unsigned(itemIndex()) % tokens;
  const auto row = SplitRow<Shape>::at(operands[0], token);
  char *to = Out::at(operands[Shape::sinks ? 2 : 1], token);
  for (unsigned i = warpIndex(); i < group * chunks; i += warps) {
    const unsigned head = cacheHead * group + i / chunks;
    const unsigned column = i % chunks * kWarp + laneIndex();
    const bool inside = column < Shape::valueWidth;
    Fold fold = Fold::empty();
    if constexpr (Shape::sinks) // a score without a value
      fold = {load(static_cast<const float *>(operands[1]) + head), 1.0f};
    float output = 0;
#pragma unroll 4
    for (unsigned split = 0; split < Shape::splits; ++split) {
      const unsigned number = SplitRow<Shape>::numberOf(head, split);
      const Fold own = row.get(number);
      if (own.isEmpty()) // and has no values
        continue;
      const Fold::Factors factors = fold.add(own);
      output = factors.add(output, inside ? row.value(number, column) : 0.0f);
    }
    const float value = output / fold.sum;
    if constexpr (Out::q8)
      writeBlock<Out>(to, (head * Shape::valueWidth + column) / 32, value);
    else if (inside)
      storeAt<float>(to, 4 * (head * Shape::valueWidth + column), value);
  }
  if (cacheHead == 0)
    writePadding<Out>(to, warps);
}

} // namespace sinter::cuda
