// What one warp does for attention on the matrix units, over a cache of
// halves or bytes: 16 rows times the keys of some pages, and their weights
// times the values.
namespace sinter::cuda {

/// The part of a tile that one warp sums up: for rows lane / 4 and 8 below it,
/// columns as mma has them (Mma.cuh), but that keys are where CacheFragments
/// has them, and that tiles 0 and 1 of 16 columns of values have the even and
/// the odd ones.
template <typename Shape> struct AttentionWarp {
  static constexpr unsigned keys = Shape::pageTokens, blocks = keys / 16;
  static constexpr unsigned steps = Shape::keyWidth / 16;
  /// Wider values would not fit the registers: their columns are done in parts.
  static constexpr unsigned parts = (Shape::valueWidth + 127) / 128;
  static constexpr unsigned tiles = Shape::valueWidth / parts / 16;
  static_assert(sizeof(typename Shape::Element) <= 2 && keys % 16 == 0 &&
                    Shape::keyWidth % 16 == 0 &&
                    Shape::valueWidth % (16 * parts) == 0,
                "tiles are whole");

  /// All warps multiply the same 16 rows, as pairs of halves: in registers they
  /// would leave too few for the rest (ptxas spilled on sm_90a). Rows are four
  /// banks apart, so that a load has no conflict.
  static constexpr unsigned queryWords = Shape::keyWidth / 2;
  static constexpr unsigned queryStride = queryWords + 4;
  using Query = SharedArray<uint32_t, 16 * queryStride>;

  float largest[2], sum[2]; ///< sum: of this lane's keys
  float outputs[tiles][2][4];

  void begin() {
#pragma unroll
    for (unsigned half = 0; half < 2; ++half) {
      largest[half] = -infinity();
      sum[half] = 0;
    }
#pragma unroll
    for (unsigned v = 0; v < tiles; ++v)
#pragma unroll
      for (unsigned i = 0; i < 8; ++i)
        outputs[v][i / 4][i % 4] = 0;
  }

  using Scores = float[blocks][2][4];
  using Page = CacheFragments<Shape>; ///< of a head

  /// Query rows times the keys of a page.
  static void multiplyKeys(const Query &query, const Page &page,
                           Scores &scores) {
    const unsigned lane = laneIndex();
#pragma unroll 4 // all eight of 128 columns spill on sm_90a
    for (unsigned step = 0; step < steps; ++step) {
      uint32_t a[4]; // for all blocks of keys
#pragma unroll
      for (unsigned i = 0; i < 4; ++i)
        a[i] = query.get((lane / 4 + i % 2 * 8) * queryStride + 8 * step +
                         Page::queryWord(i));
#pragma unroll
      for (unsigned b = 0; b < blocks; ++b) {
        Fragment tiles[2];
        page.keys(step, b, tiles[0], tiles[1]);
        mmaHalves(scores[b][0], a, tiles[0]);
        mmaHalves(scores[b][1], a, tiles[1]);
      }
    }
  }

  /// Which key of a page the lane's sum `i` of a tile is.
  static unsigned keyOf(unsigned b, unsigned tile, unsigned i) {
    return 16 * b + Page::keyOf(tile, i);
  }

  /// Scores to weights, relative to the largest score so far.
  void weigh(Scores &scores) {
#pragma unroll
    for (unsigned half = 0; half < 2; ++half) {
      float most = largest[half];
#pragma unroll
      for (unsigned i = 0; i < blocks * 4; ++i)
        most = fmaxf(most, scores[i / 4][i / 2 % 2][2 * half + i % 2]);
      most = fmaxf(most, shuffleXor(most, 1));
      most = fmaxf(most, shuffleXor(most, 2));
      const bool none = most == -infinity(); // nothing was seen so far
      const float factor = none ? 1.0f : expf(largest[half] - most);
      float added = 0;
#pragma unroll
      for (unsigned i = 0; i < blocks * 4; ++i) {
        float &score = scores[i / 4][i / 2 % 2][2 * half + i % 2];
        score = none ? 0.0f : expf(score - most);
        added += score;
      }
      sum[half] = fmaf(sum[half], factor, added);
      largest[half] = most;
#pragma unroll
      for (unsigned v = 0; v < tiles; ++v)
#pragma unroll
        for (unsigned i = 0; i < 4; ++i)
          outputs[v][i / 2][2 * half + i % 2] *= factor;
    }
  }

  /// Weights, as two halves each (one alone made a routed golden model choose
  /// another expert: 2.2 times the peer's distance, so 0.5), times the values
  /// of a page, columns from `column` on; `count` keys may be looked at: memory
  /// behind them may hold anything.
  void multiplyValues(const Page &page, unsigned column, int count,
                      const Scores &weights) {
#pragma unroll
    for (unsigned b = 0; b < blocks; ++b) {
      uint32_t a[4], rests[4];
#pragma unroll
      for (unsigned i = 0; i < 4; ++i) {
        const float *pair = &weights[b][i / 2][i % 2 * 2];
        a[i] = packHalves(pair[0], pair[1]);
        rests[i] = packRests(pair[0], pair[1]);
      }
#pragma unroll
      for (unsigned v = 0; v < tiles; ++v) {
        Fragment even, odd;
        page.values(column + 16 * v, b, count, even, odd);
        mmaHalves(outputs[v][0], a, even);
        mmaHalves(outputs[v][0], rests, even);
        mmaHalves(outputs[v][1], a, odd);
        mmaHalves(outputs[v][1], rests, odd);
      }
    }
  }
};

} // namespace sinter::cuda
