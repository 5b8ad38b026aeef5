// What a block of ChunkedScan.cuh shares, and how a head's state and the tokens
// of an unfinished chunk come from the device memory and go back there.
namespace sinter::cuda {

constexpr unsigned kChunk = 16; ///< rows of a tile of the matrix units
/// One warp for 8 columns of a state, or for a token's keys and queries.
constexpr unsigned kChunkedScanThreads = 32 * kChunk;

/// `Shape` lists what Scan's does, sharedBytes, and slotNumbers: of a state
/// with what is kept of an unfinished chunk, [head][kChunk tokens][k, u] and
/// [head][kChunk] G, behind it.
template <typename Shape> struct ChunkState {
  static constexpr unsigned keyWidth = Shape::keyWidth,
                            valueWidth = Shape::valueWidth;
  static constexpr unsigned keys = Shape::keyHeads * keyWidth;
  static constexpr unsigned outputWidth = Shape::valueHeads * valueWidth;
  /// Strides at which the 32 places that a fragment is read from lie in
  /// different banks.
  static constexpr unsigned stateStride = valueWidth + 8;
  static constexpr unsigned keyStride = keyWidth + 4;
  static constexpr unsigned pairStride = kChunk + 4;
  static constexpr unsigned rowNumbers = keyWidth + valueWidth;

  struct Work {
    SharedArray<float, keyWidth * stateStride> state;
    SharedArray<float, kChunk * keyStride> keys, queries;
    SharedArray<float, kChunk * stateStride> writes;     ///< u
    SharedArray<float, kChunk * pairStride> lower, seen; ///< k · k and q · k
    SharedArray<float, kChunk> logs, totals, left, carried, rates;
  };
  using Operands = typename Scan<Shape>::Operands;

  Work &work;
  const Operands &at;
  const Batch &batch;
  unsigned tokens, head;
  int32_t slot;

  // Places in a state, whose order is Scan's, and behind it.
  unsigned statePlace(unsigned row, unsigned column) const {
    const unsigned whole = head * valueWidth + column;
    return (whole / Shape::block * keyWidth + row) * Shape::block +
           whole % Shape::block;
  }
  static constexpr unsigned statesEnd = outputWidth * keyWidth;
  unsigned rowPlace(unsigned row) const {
    return statesEnd + (head * kChunk + row) * rowNumbers;
  }
  unsigned totalPlace(unsigned row) const {
    return statesEnd + Shape::valueHeads * kChunk * rowNumbers + head * kChunk +
           row;
  }

  /// The state before the chunk, and the chunk's `rows` first tokens: zeros
  /// before a sequence's first chunk, which nobody has to write.
  void loadState(unsigned token, unsigned rows, bool first) {
    const float *from = Shape::inPlace
                            ? at.states + uint64_t(slot) * Shape::slotNumbers
                            : at.before + uint64_t(token) * Shape::slotNumbers;
    // Half of a state of 128 by 128 is on its way at once.
    constexpr unsigned each = 16, all = keyWidth * valueWidth;
    for (unsigned begin = threadIndex(); begin < all;
         begin += each * kChunkedScanThreads) {
      float numbers[each];
#pragma unroll
      for (unsigned n = 0; n < each; ++n) {
        const unsigned i = begin + n * kChunkedScanThreads;
        numbers[n] =
            i < all && !first
                ? load(from + statePlace(i / valueWidth, i % valueWidth))
                : 0.0f;
      }
#pragma unroll
      for (unsigned n = 0; n < each; ++n) {
        const unsigned i = begin + n * kChunkedScanThreads;
        if (i < all)
          work.state.put(i / valueWidth * stateStride + i % valueWidth,
                         numbers[n]);
      }
    }
    for (unsigned i = threadIndex(); i < rows * rowNumbers;
         i += kChunkedScanThreads) {
      const unsigned row = i / rowNumbers, column = i % rowNumbers;
      const float number = load(from + rowPlace(row) + column);
      if (column < keyWidth)
        work.keys.put(row * keyStride + column, number);
      else
        work.writes.put(row * stateStride + column - keyWidth, number);
    }
    if (threadIndex() < rows)
      work.totals.put(threadIndex(), load(from + totalPlace(threadIndex())));
  }

  /// After a step that ends before row `end` of a chunk, or with it (0).
  void storeState(unsigned token, unsigned begin, unsigned end,
                  bool changed) const {
    float *to = at.states +
                uint64_t(Shape::inPlace ? slot : token) * Shape::slotNumbers;
    if (changed)
      for (unsigned i = threadIndex(); i < keyWidth * valueWidth;
           i += kChunkedScanThreads) {
        const unsigned row = i / valueWidth, column = i % valueWidth;
        store(to + statePlace(row, column),
              work.state.get(row * stateStride + column));
      }
    for (unsigned i = begin * rowNumbers + threadIndex(); i < end * rowNumbers;
         i += kChunkedScanThreads) {
      const unsigned row = i / rowNumbers, column = i % rowNumbers;
      store(to + rowPlace(row) + column,
            column < keyWidth
                ? work.keys.get(row * keyStride + column)
                : work.writes.get(row * stateStride + column - keyWidth));
    }
    const unsigned row = begin + threadIndex();
    if (row < end)
      store(to + totalPlace(row), work.totals.get(row));
  }
};

} // namespace sinter::cuda
