// Scans over recurrent states: the gated delta rule and Mamba-2. A block has a
// run of columns of one head's state in its registers through all tokens of a
// sequence's step; columns never meet, so steps do not change a sum.
namespace sinter::cuda {

constexpr unsigned kScanThreads = 128;

/// ln(1 + e^x).
inline float softplus(float x) { return x > 20.0f ? x : log1pf(expf(x)); }
inline float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

/// `Shape` lists delta, keyHeads, valueHeads, keyWidth, valueWidth, block (the
/// columns), mixedStride, alphaStride, betaStride, epsilon(), grouped and
/// inPlace.
template <typename Shape> struct Scan {
  static constexpr unsigned keyWidth = Shape::keyWidth, block = Shape::block;
  static constexpr unsigned blocks = Shape::valueWidth / block;
  static constexpr unsigned keys = Shape::keyHeads * keyWidth;
  static constexpr unsigned outputWidth = Shape::valueHeads * Shape::valueWidth;
  /// A column's rows are divided among this many threads.
  static constexpr unsigned parts = kScanThreads / block;
  static constexpr unsigned rows = (keyWidth + parts - 1) / parts;
  static constexpr int64_t slotNumbers = int64_t(outputWidth) * keyWidth;

  /// Of two tokens in turn, so that one is fetched while the other is used.
  struct Work {
    SharedArray<float, 2 * keyWidth> keys, queries;
    SharedArray<float, 2 * kScanThreads> results;
    SharedArray<float, kScanThreads> known;
  };

  struct Operands {
    const float *mixed, *alpha, *beta, *decay, *bias, *skip, *before;
    float *states, *output;
  };

  Work &work;
  const Operands &at;
  const Batch &batch;
  unsigned head, keyHead, column, part;
  float state[rows] = {};

  static unsigned headOf(int64_t item) { return unsigned(item) / blocks; }
  Scan(Work &work, const Operands &at, const Batch &batch)
      : work(work), at(at), batch(batch), head(headOf(itemIndex())),
        keyHead(Shape::grouped ? head / (Shape::valueHeads / Shape::keyHeads)
                               : head % Shape::keyHeads),
        column(threadIndex() % block), part(threadIndex() / block) {}

  /// Column of the values, and of the output.
  unsigned valueColumn() const {
    return unsigned(itemIndex()) * block + column;
  }
  unsigned row(unsigned i) const { return i * parts + part; }
  static constexpr bool ragged = keyWidth % parts != 0;
  bool exists(unsigned i) const { return !ragged || row(i) < keyWidth; }
  /// The block's part of a state that begins at `states`.
  int64_t place(unsigned i) const {
    return itemIndex() * (keyWidth * block) + row(i) * block + column;
  }

  /// Zeros before a sequence's first token.
  void begin(unsigned token, int64_t slot) {
    const bool first = load(load(&batch.positions) + token) == 0;
    const float *from = Shape::inPlace ? at.states + slot * slotNumbers
                                       : at.before + token * slotNumbers;
#pragma unroll
    for (unsigned i = 0; i < rows; ++i)
      state[i] = exists(i) && (!Shape::inPlace || !first)
                     ? load(from + place(i))
                     : 0.0f;
  }
  void end(unsigned firstToken, int64_t slot) const {
    float *to = at.states + (Shape::inPlace ? slot : firstToken) * slotNumbers;
#pragma unroll
    for (unsigned i = 0; i < rows; ++i)
      if (exists(i))
        store(to + place(i), state[i]);
  }

  /// source / sqrt(Σ source² + epsilon) * factor, by a warp.
  static void putNormed(const float *source,
                        SharedArray<float, 2 * keyWidth> &into, unsigned turn,
                        float factor) {
    constexpr unsigned each = (keyWidth + kWarp - 1) / kWarp;
    float values[each], sum = 0;
#pragma unroll
    for (unsigned i = 0; i < each; ++i) {
      const unsigned own = i * kWarp + laneIndex();
      values[i] = own < keyWidth ? load(source + own) : 0.0f;
      sum = fmaf(values[i], values[i], sum);
    }
    const float scale = factor / sqrtf(warpSum(sum) + Shape::epsilon());
#pragma unroll
    for (unsigned i = 0; i < each; ++i)
      if (i * kWarp + laneIndex() < keyWidth)
        into.put(turn * keyWidth + i * kWarp + laneIndex(), values[i] * scale);
  }

  /// The token's keys and queries into the shared memory.
  void fetch(unsigned token) const {
    const unsigned turn = token % 2;
    const float *row = at.mixed + uint64_t(token) * Shape::mixedStride;
    if constexpr (Shape::delta) {
      row += keyHead * keyWidth;
      if (warpIndex() == 0)
        putNormed(row, work.queries, turn, 1.0f / sqrtf(float(keyWidth)));
      else if (warpIndex() == 1)
        putNormed(row + keys, work.keys, turn, 1.0f);
    } else {
      row += outputWidth + keyHead * keyWidth;
      for (unsigned i = threadIndex(); i < keyWidth; i += kScanThreads) {
        work.keys.put(turn * keyWidth + i, load(row + i));
        work.queries.put(turn * keyWidth + i, load(row + keys + i));
      }
    }
  }

  /// What all threads of a column put there, summed.
  template <typename Array>
  float sumOfParts(const Array &from, unsigned first) const {
    float sum = 0;
    for (unsigned other = 0; other < parts; ++other)
      sum += from.get(first + other * block + column);
    return sum;
  }

  /// kᵀ times the decayed state.
  float remembered(unsigned turn, float decay) const {
    float sum = 0;
#pragma unroll
    for (unsigned i = 0; i < rows; ++i)
      if (exists(i))
        sum = fmaf(state[i], work.keys.get(turn * keyWidth + row(i)), sum);
    work.known.put(threadIndex(), sum);
    syncBlock();
    return sumOfParts(work.known, 0) * decay;
  }

  /// state ← decay · state + k ⊗ change; gives qᵀ times it.
  float update(unsigned turn, float decay, float change) {
    float sum = 0;
#pragma unroll
    for (unsigned i = 0; i < rows; ++i) {
      if (!exists(i))
        continue;
      const unsigned at = turn * keyWidth + row(i);
      state[i] = fmaf(work.keys.get(at), change, state[i] * decay);
      sum = fmaf(state[i], work.queries.get(at), sum);
    }
    const unsigned first = turn * kScanThreads;
    work.results.put(first + threadIndex(), sum);
    syncBlock();
    return sumOfParts(work.results, first);
  }

  /// The token whose keys and queries have been fetched.
  void run(unsigned token) {
    const unsigned turn = token % 2;
    const float *alpha = at.alpha + uint64_t(token) * Shape::alphaStride;
    const float step = softplus(load(alpha + head) + load(at.bias + head));
    const float decay = expf(load(at.decay + head) * step);
    const float *row = at.mixed + uint64_t(token) * Shape::mixedStride;
    const float x = load(row + (Shape::delta ? 2 * keys : 0) + valueColumn());
    float result = 0;
    if constexpr (Shape::delta) {
      const float *beta = at.beta + uint64_t(token) * Shape::betaStride;
      const float rate = sigmoid(load(beta + head));
      result = update(turn, decay, (x - remembered(turn, decay)) * rate);
    } else {
      result = update(turn, decay, x * step) + x * load(at.skip + head);
    }
    if (part == 0)
      store(at.output + uint64_t(token) * outputWidth + valueColumn(), result);
  }

  static Operands operandsOf(void *const *operands) {
    unsigned next = 0;
    auto take = [&](bool present) {
      return present ? static_cast<float *>(operands[next++]) : nullptr;
    };
    Operands at = {};
    at.mixed = take(true);
    at.alpha = take(true);
    at.beta = take(Shape::delta);
    at.decay = take(true);
    at.bias = take(true);
    at.skip = take(!Shape::delta);
    at.before = take(!Shape::inPlace);
    at.states = take(true);
    at.output = take(true);
    return at;
  }

  void run() {
    const unsigned tokens = load(&batch.tokens);
    const int32_t *slots = load(&batch.slots);
    unsigned first = 0;
    fetch(0);
    syncBlock();
    for (unsigned token = 0; token < tokens; ++token) {
      const int32_t slot = load(slots + token);
      if (token == first)
        begin(token, slot);
      if (token + 1 < tokens)
        fetch(token + 1);
      run(token);
      if (token + 1 < tokens && load(slots + token + 1) == slot)
        continue;
      end(first, slot);
      first = token + 1;
    }
  }
};

template <typename Shape>
inline void scan(void *const *operands, const Batch &batch) {
  __shared__ typename Scan<Shape>::Work work;
  const auto at = Scan<Shape>::operandsOf(operands);
  Scan<Shape>(work, at, batch).run();
}

} // namespace sinter::cuda
