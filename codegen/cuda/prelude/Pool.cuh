// A row for each sequence: the mean of its tokens' rows, or the first of them.
// A block for each row.
namespace sinter::cuda {

constexpr unsigned kPoolThreads = 128;

/// `Shape` lists width, stride and mean.
template <typename Shape>
inline void pool(void *const *operands, const Batch &batch) {
  const int64_t last = load(load(&batch.outputs) + itemIndex());
  const int64_t behind = load(load(&batch.positions) + last);
  const int64_t count = Shape::mean ? behind + 1 : 1;
  const auto *rows =
      static_cast<const float *>(operands[0]) + (last - behind) * Shape::stride;
  auto *output = static_cast<float *>(operands[1]) + itemIndex() * Shape::width;
  const float share = 1.0f / float(count);
  for (unsigned column = threadIndex(); column < Shape::width;
       column += kPoolThreads) {
    float sum = 0;
    for (int64_t token = 0; token < count; ++token)
      sum += load(rows + token * Shape::stride + column);
    store(output + column, sum * share);
  }
}

} // namespace sinter::cuda
