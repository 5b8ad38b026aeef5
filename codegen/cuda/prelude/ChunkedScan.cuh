// The gated delta rule, several tokens at a time (arXiv 2412.06464, section
// 3.3): what tokens of a chunk write depends on each other by a triangular
// system, so that the state is read and changed once a chunk, by matrix units.
// A block has all of a head's state in shared memory.
//
// With S the state before the chunk, G_i the sum of log decays up to token i of
// it, D_ij = e^(G_i - G_j) for j <= i:
//   u_i = rate_i (v_i - e^G_i k_i S - Σ_(j<i) D_ij (k_i · k_j) u_j)
//   result_i = e^G_i q_i S + Σ_(j<=i) D_ij (q_i · k_j) u_j
//   S behind the chunk = e^G_last S + Σ_j e^(G_last - G_j) k_j ⊗ u_j
//
// Chunks lie at multiples of kChunk of a sequence's positions, so that no sum
// depends on how a text is cut into steps. A step that ends inside one leaves
// S as it was and keeps k, u and G of the chunk's tokens behind the states; the
// next step goes on from them. Row i of every product above has rows j <= i as
// its only input, and a matrix unit's row no other row's, so these are the bits
// that one step for all of them has. Factors of products are rounded to TF32
// (relative 2^-11), sums and states are float32.
namespace sinter::cuda {

/// A block's sequence and head; `Shape` is ChunkState's.
template <typename Shape> struct ChunkedScan : ChunkState<Shape> {
  using State = ChunkState<Shape>;
  using State::keyWidth, State::valueWidth, State::keys, State::outputWidth,
      State::stateStride, State::keyStride, State::pairStride;
  using State::work, State::at, State::batch, State::tokens, State::head,
      State::slot;
  unsigned keyHead;

  /// Of a tile: rows of the sums are `group` and `group` + 8, columns `pair`
  /// and `pair` + 1 of the warp's 8 (Mma.cuh).
  static unsigned group() { return laneIndex() / 4; }
  static unsigned quad() { return laneIndex() % 4; }
  static unsigned firstColumn() { return 8 * warpIndex(); }
  static bool hasColumns() { return firstColumn() < valueWidth; }
  static unsigned sumRow(unsigned i) { return group() + (i < 2 ? 0 : 8); }
  static unsigned sumColumn(unsigned i) {
    return firstColumn() + 2 * quad() + i % 2;
  }

  /// How many tokens from `first` on are the sequence's, up to 32.
  unsigned runLength(unsigned first) const {
    const unsigned token = first + laneIndex();
    const uint32_t own =
        ballot(token < tokens && load(load(&batch.slots) + token) == slot);
    return countBits(own & ~(own + 1));
  }

  /// source / sqrt(Σ source² + epsilon) * factor, by a warp; null: zeros.
  static void putNormed(const float *source,
                        SharedArray<float, kChunk * keyStride> &into,
                        unsigned row, float factor) {
    constexpr unsigned each = (keyWidth + kWarp - 1) / kWarp;
    float values[each], sum = 0;
#pragma unroll
    for (unsigned i = 0; i < each; ++i) {
      const unsigned own = i * kWarp + laneIndex();
      values[i] = source && own < keyWidth ? load(source + own) : 0.0f;
      sum = fmaf(values[i], values[i], sum);
    }
    const float scale = factor / sqrtf(warpSum(sum) + Shape::epsilon());
#pragma unroll
    for (unsigned i = 0; i < each; ++i)
      if (i * kWarp + laneIndex() < keyWidth)
        into.put(row * keyStride + i * kWarp + laneIndex(),
                 roundToTf32(values[i] * scale));
  }

  /// Rows [begin, end) of the chunk, which are tokens from `first` on: keys and
  /// queries by a warp for each, decay and rate by a thread.
  void fetch(unsigned first, unsigned begin, unsigned end) const {
    const unsigned row = warpIndex();
    const bool present = row >= begin && row < end;
    const float *from = at.mixed +
                        uint64_t(first + row - begin) * Shape::mixedStride +
                        keyHead * keyWidth;
    putNormed(present ? from : nullptr, work.queries, row,
              1.0f / sqrtf(float(keyWidth)));
    if (row >= begin)
      putNormed(present ? from + keys : nullptr, work.keys, row, 1.0f);
    const unsigned own = threadIndex();
    if (own >= kChunk)
      return;
    float log = 0, rate = 0;
    if (own >= begin && own < end) {
      const uint64_t token = first + own - begin;
      log = load(at.decay + head) *
            softplus(load(at.alpha + token * Shape::alphaStride + head) +
                     load(at.bias + head));
      rate = sigmoid(load(at.beta + token * Shape::betaStride + head));
    }
    work.logs.put(own, log);
    work.rates.put(own, rate);
  }

  /// The sums of log decays, one after the other.
  void addLogs(unsigned begin) const {
    const unsigned row = threadIndex();
    if (row >= kChunk)
      return;
    float total = begin ? work.totals.get(begin - 1) : 0.0f;
    for (unsigned i = begin; i <= row; ++i)
      total += work.logs.get(i);
    if (row >= begin)
      work.totals.put(row, total);
    else
      total = work.totals.get(row);
    work.carried.put(row, expf(total));
  }

  /// Rows of keys or queries as the left factor: columns from `column` on.
  static void leftFactor(uint32_t (&a)[4],
                         const SharedArray<float, kChunk * keyStride> &rows,
                         unsigned column) {
#pragma unroll
    for (unsigned i = 0; i < 4; ++i)
      a[i] = bitsOfFloat(rows.get((group() + i % 2 * 8) * keyStride + column +
                                  quad() + i / 2 * 4));
  }

  /// k S and q S, the warp's columns.
  void readState(float (&known)[4], float (&asked)[4]) const {
#pragma unroll 4
    for (unsigned row = 0; row < keyWidth; row += 8) {
      uint32_t a[4], b[2];
#pragma unroll
      for (unsigned i = 0; i < 2; ++i)
        b[i] = bitsOfFloat(roundToTf32(work.state.get(
            (row + quad() + 4 * i) * stateStride + firstColumn() + group())));
      leftFactor(a, work.keys, row);
      mmaTf32(known, a, b);
      leftFactor(a, work.queries, row);
      mmaTf32(asked, a, b);
    }
  }

  /// Of k · k (warps 0 and 1) or q · k (2 and 3) the columns of 8 tokens.
  void multiplyTokens() const {
    const unsigned first = warpIndex() % 2 * 8;
    const bool asks = warpIndex() >= 2;
    float sums[4] = {};
#pragma unroll 4
    for (unsigned column = 0; column < keyWidth; column += 8) {
      uint32_t a[4], b[2];
#pragma unroll
      for (unsigned i = 0; i < 2; ++i)
        b[i] = bitsOfFloat(work.keys.get((first + group()) * keyStride +
                                         column + quad() + 4 * i));
      leftFactor(a, asks ? work.queries : work.keys, column);
      mmaTf32(sums, a, b);
    }
    for (unsigned i = 0; i < 4; ++i)
      (asks ? work.seen : work.lower)
          .put(sumRow(i) * pairStride + first + 2 * quad() + i % 2, sums[i]);
  }

  /// What one token has of another: a thread for each two.
  void scalePairs() const {
    const unsigned own = threadIndex();
    if (own < kChunk)
      work.left.put(own,
                    expf(work.totals.get(kChunk - 1) - work.totals.get(own)));
    if (own >= kChunk * kChunk)
      return;
    const unsigned row = own / kChunk, column = own % kChunk;
    const unsigned place = row * pairStride + column;
    const float decay =
        column <= row ? expf(work.totals.get(row) - work.totals.get(column))
                      : 0.0f;
    const float known = work.lower.get(place) * decay * work.rates.get(row);
    work.lower.put(place, column < row ? known : 0.0f);
    work.seen.put(place, roundToTf32(work.seen.get(place) * decay));
  }

  /// rate (v - e^G k S), where the solution will be.
  void putRight(unsigned first, unsigned begin, unsigned end,
                const float (&known)[4]) const {
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = sumRow(i);
      if (row < begin)
        continue;
      float value = 0;
      if (row < end)
        value =
            load(at.mixed + uint64_t(first + row - begin) * Shape::mixedStride +
                 2 * keys + head * valueWidth + sumColumn(i));
      work.writes.put(row * stateStride + sumColumn(i),
                      (value - work.carried.get(row) * known[i]) *
                          work.rates.get(row));
    }
  }

  /// The triangular system from row `begin` on: a thread has a column.
  void solve(unsigned begin) const {
    const unsigned column = threadIndex();
    if (column >= valueWidth)
      return;
    float solution[kChunk];
#pragma unroll
    for (unsigned row = 0; row < kChunk; ++row) {
      float value = work.writes.get(row * stateStride + column);
      if (row >= begin) {
#pragma unroll
        for (unsigned other = 0; other < row; ++other)
          value = fmaf(-work.lower.get(row * pairStride + other),
                       solution[other], value);
        work.writes.put(row * stateStride + column, value);
      }
      solution[row] = value;
    }
  }

  /// The right factor of tokens [8 · half, 8 · half + 8), times `factors`.
  void rightFactor(uint32_t (&b)[2], unsigned half, bool whole) const {
#pragma unroll
    for (unsigned i = 0; i < 2; ++i) {
      const unsigned row = 8 * half + quad() + 4 * i;
      const float value =
          work.writes.get(row * stateStride + firstColumn() + group());
      b[i] =
          bitsOfFloat(roundToTf32(whole ? value * work.left.get(row) : value));
    }
  }

  void writeResults(unsigned first, unsigned begin, unsigned end,
                    const float (&asked)[4]) const {
    float sums[4];
#pragma unroll
    for (unsigned i = 0; i < 4; ++i)
      sums[i] = asked[i] * work.carried.get(sumRow(i));
#pragma unroll
    for (unsigned half = 0; half < 2; ++half) {
      uint32_t a[4], b[2];
#pragma unroll
      for (unsigned i = 0; i < 4; ++i)
        a[i] = bitsOfFloat(work.seen.get((group() + i % 2 * 8) * pairStride +
                                         8 * half + quad() + i / 2 * 4));
      rightFactor(b, half, /*whole=*/false);
      mmaTf32(sums, a, b);
    }
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned row = sumRow(i);
      if (row >= begin && row < end)
        store(at.output + uint64_t(first + row - begin) * outputWidth +
                  head * valueWidth + sumColumn(i),
              sums[i]);
    }
  }

  /// The state behind a whole chunk, the warp's columns.
  void changeState() const {
    const float decay = work.carried.get(kChunk - 1);
    uint32_t b[2][2];
    rightFactor(b[0], 0, /*whole=*/true);
    rightFactor(b[1], 1, /*whole=*/true);
#pragma unroll 2
    for (unsigned first = 0; first < keyWidth; first += 16) {
      float sums[4];
#pragma unroll
      for (unsigned i = 0; i < 4; ++i)
        sums[i] = decay * work.state.get((first + sumRow(i)) * stateStride +
                                         sumColumn(i));
#pragma unroll
      for (unsigned half = 0; half < 2; ++half) {
        uint32_t a[4];
#pragma unroll
        for (unsigned i = 0; i < 4; ++i)
          a[i] = bitsOfFloat(
              work.keys.get((8 * half + quad() + i / 2 * 4) * keyStride +
                            first + group() + i % 2 * 8));
        mmaTf32(sums, a, b[half]);
      }
#pragma unroll
      for (unsigned i = 0; i < 4; ++i)
        work.state.put((first + sumRow(i)) * stateStride + sumColumn(i),
                       sums[i]);
    }
  }

  /// Rows [begin, end) of a chunk, which are tokens from `first` on.
  void runChunk(unsigned first, unsigned begin, unsigned end) const {
    float known[4] = {}, asked[4] = {};
    fetch(first, begin, end);
    syncBlock();
    addLogs(begin);
    if (hasColumns())
      readState(known, asked);
    if (warpIndex() < 4)
      multiplyTokens();
    syncBlock();
    scalePairs();
    if (hasColumns())
      putRight(first, begin, end, known);
    syncBlock();
    solve(begin);
    syncBlock();
    if (hasColumns())
      writeResults(first, begin, end, asked);
    if (hasColumns() && end == kChunk)
      changeState();
    syncBlock();
  }

  /// The sequence whose first token of the step is the block's.
  void run(unsigned token) {
    const unsigned position = unsigned(load(load(&batch.positions) + token));
    unsigned begin = position % kChunk, first = token;
    bool changed = !Shape::inPlace;
    this->loadState(token, begin, position < kChunk && Shape::inPlace);
    for (;;) {
      const unsigned count = min(runLength(first), kChunk - begin);
      const unsigned end = begin + count;
      runChunk(first, begin, end);
      changed = changed || end == kChunk;
      first += count;
      if (runLength(first) == 0)
        return this->storeState(token, Shape::inPlace ? begin : 0,
                                end == kChunk ? 0 : end, changed);
      begin = 0;
    }
  }
};

template <typename Shape>
inline void chunkedScan(void *const *operands, const Batch &batch) {
  using Kernel = ChunkedScan<Shape>;
  auto &work = dynamicShared<typename Kernel::Work, Shape::sharedBytes>();
  const unsigned token = unsigned(itemIndex() / Shape::valueHeads);
  const unsigned head = unsigned(itemIndex() % Shape::valueHeads);
  const int32_t *slots = load(&batch.slots);
  const int32_t slot = load(slots + token);
  if (token && load(slots + token - 1) == slot)
    return; // another block's sequence
  const auto at = Scan<Shape>::operandsOf(operands);
  const unsigned keyHead = Shape::grouped
                               ? head / (Shape::valueHeads / Shape::keyHeads)
                               : head % Shape::keyHeads;
  Kernel kernel = {{work, at, batch, unsigned(load(&batch.tokens)), head, slot},
                   keyHead};
  kernel.run(token);
}

} // namespace sinter::cuda
