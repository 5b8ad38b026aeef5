// Copies of columns of heads: a run of each, or two parts joined. A block for
// each head of a token.
namespace sinter::cuda {

constexpr unsigned kHeadColumnsThreads = 128;

/// `Shape` lists Out, heads, headWidth, offset and stride.
template <typename Shape>
inline void headColumns(void *const *operands, const Batch &) {
  using Out = typename Shape::Out;
  constexpr unsigned width = Out::width / Shape::heads;
  const int64_t token = itemIndex() / Shape::heads;
  const unsigned head = unsigned(itemIndex() % Shape::heads);
  const auto *from = static_cast<const float *>(operands[0]) +
                     token * Shape::stride + head * Shape::headWidth +
                     Shape::offset;
  char *to = Out::at(operands[1], token);
  if constexpr (Out::q8) {
    constexpr unsigned warps = kHeadColumnsThreads / kWarp;
    for (unsigned block = warpIndex(); block < width / 32; block += warps)
      writeBlock<Out>(to, head * (width / 32) + block,
                      load(from + 32 * block + laneIndex()));
    if (head == 0)
      writePadding<Out>(to, warps);
  } else {
    for (unsigned i = threadIndex(); i < width; i += kHeadColumnsThreads)
      storeAt<float>(to, 4 * (head * width + i), load(from + i));
  }
}

/// `Shape` lists heads, first, second, firstStride, secondStride and shared.
template <typename Shape>
inline void joinHeads(void *const *operands, const Batch &) {
  constexpr unsigned first = Shape::first, second = Shape::second;
  const int64_t token = itemIndex() / Shape::heads;
  const unsigned head = unsigned(itemIndex() % Shape::heads);
  const auto *left = static_cast<const float *>(operands[0]) +
                     token * Shape::firstStride + head * first;
  const auto *right = static_cast<const float *>(operands[1]) +
                      token * Shape::secondStride +
                      (Shape::shared ? 0 : head * second);
  auto *to = static_cast<float *>(operands[2]) + itemIndex() * (first + second);
  for (unsigned i = threadIndex(); i < first + second; i += kHeadColumnsThreads)
    store(to + i, i < first ? load(left + i) : load(right + (i - first)));
}

} // namespace sinter::cuda
