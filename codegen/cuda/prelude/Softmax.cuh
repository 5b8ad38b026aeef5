// Softmax of rows: a block for each.
namespace sinter::cuda {

constexpr unsigned kSoftmaxThreads = 128;

/// `Shape` lists width and stride.
template <typename Shape>
inline void softmax(void *const *operands, const Batch &) {
  __shared__ WarpSums space;
  const auto *input =
      static_cast<const float *>(operands[0]) + itemIndex() * Shape::stride;
  auto *output = static_cast<float *>(operands[1]) + itemIndex() * Shape::width;
  float most = -infinity(), sum = 0;
  for (unsigned i = threadIndex(); i < Shape::width; i += kSoftmaxThreads)
    most = fmaxf(most, load(input + i));
  most = blockMax<kSoftmaxThreads>(most, space);
  for (unsigned i = threadIndex(); i < Shape::width; i += kSoftmaxThreads)
    sum += expf(load(input + i) - most);
  sum = blockSum<kSoftmaxThreads>(sum, space);
  for (unsigned i = threadIndex(); i < Shape::width; i += kSoftmaxThreads)
    store(output + i, expf(load(input + i) - most) / sum);
}

} // namespace sinter::cuda
