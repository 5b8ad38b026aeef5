// Short causal convolutions of the columns of each sequence, with the window of
// rows that the next step needs. Tokens are convolved side by side: what lies
// before a sequence's part of the step is in its window.
namespace sinter::cuda {

constexpr unsigned kConvChannels = 64; ///< of a block
constexpr unsigned kConvParts = 4;     ///< tokens of a channel at a time
constexpr unsigned kConvThreads = kConvChannels * kConvParts;

/// `Shape` lists channels, taps, stride, bias, silu, inPlace and shift.
template <typename Shape> struct Conv {
  static constexpr unsigned taps = Shape::taps, window = taps - 1;
  static constexpr bool keeps = Shape::inPlace || Shape::shift;

  const float *input, *weight, *bias;
  const float *before; ///< windows before the step
  float *behind;       ///< and behind it
  float *output;
  const Batch &batch;
  unsigned channel;

  int32_t slot(unsigned token) const {
    return load(load(&batch.slots) + token);
  }
  /// Tokens of the sequence that stand right before `token` in the step,
  /// counted up to `most`.
  unsigned countBefore(unsigned token, unsigned most) const {
    const int32_t own = slot(token);
    unsigned count = 0;
    while (count < most && count < token && slot(token - 1 - count) == own)
      ++count;
    return count;
  }

  /// The input `back` tokens before `end`, of whose sequence the step has
  /// `count` tokens there, or at least `window`.
  float value(unsigned end, unsigned back, unsigned count) const {
    if (back <= count)
      return load(input + uint64_t(end - back) * Shape::stride + channel);
    const unsigned first = end - count;
    if (load(load(&batch.positions) + first) == 0)
      return 0;
    const int64_t row = Shape::inPlace ? slot(first) : int64_t(first);
    const unsigned inWindow = window - (back - count);
    return load(before + (row * window + inWindow) * Shape::channels + channel);
  }

  void convolve(unsigned token) const {
    const unsigned count = countBefore(token, window) + 1;
    float sum = 0;
    if constexpr (Shape::bias)
      sum = load(bias + channel);
#pragma unroll
    for (unsigned tap = 0; tap < taps; ++tap)
      sum = fmaf(value(token + 1, taps - tap, count),
                 load(weight + channel * taps + tap), sum);
    if constexpr (Shape::silu)
      sum = sum / (1.0f + expf(-sum));
    store(output + uint64_t(token) * Shape::channels + channel, sum);
  }

  /// The window behind a sequence whose last token is `token`.
  void keep(unsigned token) const {
    const unsigned count = countBefore(token, window) + 1;
    float values[window];
#pragma unroll
    for (unsigned i = 0; i < window; ++i)
      values[i] = value(token + 1, window - i, count);
    const int64_t row = Shape::inPlace
                            ? int64_t(slot(token))
                            : int64_t(token) - countBefore(token, token);
#pragma unroll
    for (unsigned i = 0; i < window; ++i)
      store(behind + (row * window + i) * Shape::channels + channel, values[i]);
  }

  void run(unsigned part) const {
    const unsigned tokens = load(&batch.tokens);
    const bool inside = channel < Shape::channels;
    if constexpr (!Shape::shift)
      for (unsigned token = part; inside && token < tokens; token += kConvParts)
        convolve(token);
    if constexpr (!keeps)
      return;
    syncBlock(); // all windows have been read
    for (unsigned token = part; inside && token < tokens; token += kConvParts)
      if (token + 1 == tokens || slot(token + 1) != slot(token))
        keep(token);
  }
};

template <typename Shape>
inline void conv(void *const *operands, const Batch &batch) {
  unsigned next = 0;
  auto take = [&](bool present) {
    return present ? static_cast<float *>(operands[next++]) : nullptr;
  };
  float *input = take(true), *weight = take(!Shape::shift);
  float *bias = take(Shape::bias && !Shape::shift), *before = take(true);
  float *last = take(true);
  const unsigned channel =
      unsigned(itemIndex()) * kConvChannels + threadIndex() % kConvChannels;
  Conv<Shape>{input, weight, bias,   before, Shape::shift ? last : before,
              last,  batch,  channel}
      .run(threadIndex() / kConvChannels);
}

} // namespace sinter::cuda
