// What one warp does for attention on the matrix units, over a cache of halves:
// 16 rows times the keys of some pages, and their weights times the values.
namespace sinter::cuda {

/// Two halves, the first low.
inline uint32_t packHalves(float low, float high) {
  return floatToHalf(low) | uint32_t(floatToHalf(high)) << 16;
}

/// What packHalves lost of them, as halves: the sum of both has 22 bits.
inline uint32_t packRests(float low, float high) {
  return packHalves(low - halfToFloat(floatToHalf(low)),
                    high - halfToFloat(floatToHalf(high)));
}

/// Words of two neighbouring columns, of two rows: the first column's pair and
/// the second one's.
inline uint32_t firstPair(uint32_t row0, uint32_t row1) {
  return permuteBytes(row0, row1, 0x5410);
}
inline uint32_t secondPair(uint32_t row0, uint32_t row1) {
  return permuteBytes(row0, row1, 0x7632);
}

/// The part of a tile that one warp sums up: for rows lane / 4 and 8 below it,
/// columns as mma has them (Mma.cuh), but that tiles 0 and 1 of 16 keys (or
/// columns of values) have the even and the odd ones: then two neighbours, that
/// one load gives, belong to the same place of both.
template <typename Shape> struct AttentionWarp {
  static constexpr unsigned keys = Shape::pageTokens, blocks = keys / 16;
  static constexpr unsigned steps = Shape::keyWidth / 16;
  /// Wider values would not fit the registers: their columns are done in parts.
  static constexpr unsigned parts = (Shape::valueWidth + 127) / 128;
  static constexpr unsigned tiles = Shape::valueWidth / parts / 16;
  static_assert(sizeof(typename Shape::Element) == 2 && keys % 16 == 0 &&
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

  /// Query rows times the keys of a page; `page` is where the head's keys
  /// begin.
  static void multiplyKeys(const Query &query, const uint16_t *page,
                           Scores &scores) {
    const unsigned lane = laneIndex();
#pragma unroll 4 // all eight of 128 columns spill on sm_90a
    for (unsigned step = 0; step < steps; ++step) {
      uint32_t a[4]; // for all blocks of keys
#pragma unroll
      for (unsigned i = 0; i < 4; ++i)
        a[i] = query.get((lane / 4 + i % 2 * 8) * queryStride + 8 * step +
                         lane % 4 + i / 2 * 4);
#pragma unroll
      for (unsigned b = 0; b < blocks; ++b) {
        const uint16_t *place =
            page + lane / 4 * 2 +
            (b * Shape::keyWidth + 16 * step + lane % 4 * 2) * kKeyBlock;
        uint32_t words[4]; // of rows 2j, 2j + 1, 2j + 8, 2j + 9 of the step
#pragma unroll
        for (unsigned i = 0; i < 4; ++i)
          words[i] = load(reinterpret_cast<const uint32_t *>(
              place + (i % 2 + i / 2 * 8) * kKeyBlock));
        mmaHalves(
            scores[b][0], a,
            {firstPair(words[0], words[1]), firstPair(words[2], words[3])});
        mmaHalves(
            scores[b][1], a,
            {secondPair(words[0], words[1]), secondPair(words[2], words[3])});
      }
    }
  }

  /// Which key of a page the lane's sum `i` of a tile is.
  static unsigned keyOf(unsigned b, unsigned tile, unsigned i) {
    return 16 * b + 2 * (laneIndex() % 4 * 2 + i % 2) + tile;
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
  /// of a page, of which `count` keys may be looked at: memory behind them may
  /// hold anything.
  void multiplyValues(const uint16_t *values, int count,
                      const Scores &weights) {
    const unsigned lane = laneIndex();
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
        uint32_t words[4]; // of the keys of rows 2j, 2j + 1, 2j + 8, 2j + 9
#pragma unroll
        for (unsigned i = 0; i < 4; ++i) {
          const unsigned key = keyOf(b, i / 2, i % 2);
          words[i] = 0;
          if (int(key) < count)
            words[i] = load(reinterpret_cast<const uint32_t *>(
                values + key * Shape::valueWidth + 16 * v + lane / 4 * 2));
        }
        const uint32_t first[2] = {firstPair(words[0], words[1]),
                                   firstPair(words[2], words[3])};
        const uint32_t second[2] = {secondPair(words[0], words[1]),
                                    secondPair(words[2], words[3])};
        mmaHalves(outputs[v][0], a, first);
        mmaHalves(outputs[v][0], rests, first);
        mmaHalves(outputs[v][1], a, second);
        mmaHalves(outputs[v][1], rests, second);
      }
    }
  }
};

} // namespace sinter::cuda
