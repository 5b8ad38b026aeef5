// Weighted sums of the rows of a token: the outputs of its experts, or a shared
// expert's behind its gate. A block for each run of columns.
namespace sinter::cuda {

constexpr unsigned kCombineThreads = 128;

/// `Shape` lists width, slots, stride, sigmoid and columns.
template <typename Shape>
inline void combine(void *const *operands, const Batch &) {
  constexpr unsigned chunks =
      (Shape::width + Shape::columns - 1) / Shape::columns;
  const int64_t token = itemIndex() / chunks;
  const unsigned from = unsigned(itemIndex() % chunks) * Shape::columns;
  const unsigned to = min(from + Shape::columns, Shape::width);
  const auto *rows = static_cast<const float *>(operands[0]) +
                     token * Shape::slots * Shape::width;
  const auto *weights =
      static_cast<const float *>(operands[1]) + token * Shape::stride;
  auto *output = static_cast<float *>(operands[2]) + token * Shape::width;
  float factors[Shape::slots];
#pragma unroll
  for (unsigned slot = 0; slot < Shape::slots; ++slot) {
    factors[slot] = load(weights + slot);
    if constexpr (Shape::sigmoid)
      factors[slot] = 1.0f / (1.0f + expf(-factors[slot]));
  }
  for (unsigned column = from + threadIndex(); column < to;
       column += kCombineThreads) {
    float sum = factors[0] * load(rows + column);
#pragma unroll
    for (unsigned slot = 1; slot < Shape::slots; ++slot)
      sum = fmaf(factors[slot], load(rows + slot * Shape::width + column), sum);
    store(output + column, sum);
  }
}

} // namespace sinter::cuda
