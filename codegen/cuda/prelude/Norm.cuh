// RMS and layer norms of rows, after a residual sum or not: a block for each
// row.
namespace sinter::cuda {

constexpr unsigned kNormThreads = 128;

struct NormOperands {
  const float *input, *addend, *weight, *bias;
  float *sum;
  char *output;
};

/// One group of a row; `first` is its first column.
template <typename Shape>
inline void normGroup(const NormOperands &at, unsigned first, WarpSums &space) {
  using Out = typename Shape::Out;
  constexpr unsigned group = Shape::group;
  const float *row = Shape::addend ? at.sum : at.input;
  float mean = 0, sum = 0;
  for (unsigned i = threadIndex(); i < group; i += kNormThreads) {
    float x = load(at.input + first + i);
    if constexpr (Shape::addend) {
      x += load(at.addend + first + i);
      store(at.sum + first + i, x);
    }
    sum += Shape::layer ? x : x * x;
  }
  sum = blockSum<kNormThreads>(sum, space);
  if constexpr (Shape::layer) {
    mean = sum / float(group);
    sum = 0;
    for (unsigned i = threadIndex(); i < group; i += kNormThreads) {
      const float x = load(row + first + i) - mean;
      sum += x * x;
    }
    sum = blockSum<kNormThreads>(sum, space);
  }
  const float inverse = 1.0f / sqrtf(sum / float(group) + Shape::epsilon());
  const unsigned weights = Shape::wide ? first : 0;
  for (unsigned block = warpIndex(); block < (group + 31) / 32;
       block += kNormThreads / kWarp) {
    const unsigned i = block * 32 + laneIndex();
    float x = 0;
    if (i < group) {
      x = (load(row + first + i) - mean) * inverse;
      if constexpr (!Shape::unit)
        x *= load(at.weight + weights + i);
      if constexpr (Shape::bias)
        x += load(at.bias + weights + i);
    }
    if constexpr (Out::q8)
      writeBlock<Out>(at.output, block, x);
    else if (i < group)
      storeAt<float>(at.output, 4 * (first + i), x);
  }
}

/// `Shape` lists In, Out, group, epsilon(), addend, layer, bias,
/// wide and unit.
template <typename Shape>
inline void norm(void *const *operands, const Batch &) {
  __shared__ WarpSums space;
  using In = typename Shape::In;
  using Out = typename Shape::Out;
  unsigned next = 0;
  auto take = [&](bool present) {
    return present ? static_cast<char *>(operands[next++]) : nullptr;
  };
  auto rowOf = [](char *base) {
    return reinterpret_cast<float *>(base + itemIndex() * In::width * 4);
  };
  NormOperands at = {};
  at.input = reinterpret_cast<const float *>(In::at(take(true), itemIndex()));
  if (char *addend = take(Shape::addend))
    at.addend = rowOf(addend);
  at.weight = reinterpret_cast<const float *>(take(!Shape::unit));
  at.bias = reinterpret_cast<const float *>(take(Shape::bias));
  if (char *sum = take(Shape::addend))
    at.sum = rowOf(sum);
  at.output = Out::at(take(true), itemIndex());
  for (unsigned first = 0; first < In::width; first += Shape::group)
    normGroup<Shape>(at, first, space);
  writePadding<Out>(at.output, kNormThreads / kWarp);
}

} // namespace sinter::cuda
