// Attention on the matrix units, over a cache of halves: a block takes 16 rows,
// the query heads of a cache head for a few tokens, so that keys and values are
// loaded once for all of them. Its warps divide what a row sees into kRuns runs
// of whole pages, by the row's position alone; the runs' sums are merged in
// turn. So a row's answer depends neither on the step's size nor on its tile.
namespace sinter::cuda {

constexpr unsigned kMmaAttentionThreads = 256;
constexpr unsigned kRuns = kMmaAttentionThreads / kWarp;

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
#pragma unroll
    for (unsigned b = 0; b < blocks; ++b) {
      const uint16_t *place = page + b * 16 * Shape::keyWidth + lane / 4 * 2;
#pragma unroll
      for (unsigned step = 0; step < steps; ++step) {
        uint32_t a[4];
#pragma unroll
        for (unsigned i = 0; i < 4; ++i)
          a[i] = query.get((lane / 4 + i % 2 * 8) * queryStride + 8 * step +
                           lane % 4 + i / 2 * 4);
        uint32_t words[4]; // of rows 2j, 2j + 1, 2j + 8, 2j + 9 of the step
#pragma unroll
        for (unsigned i = 0; i < 4; ++i)
          words[i] = load(reinterpret_cast<const uint32_t *>(
              place +
              (16 * step + lane % 4 * 2 + i % 2 + i / 2 * 8) * kKeyBlock));
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
  void multiplyValues(const uint16_t *values, int64_t count,
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
          if (int64_t(key) < count)
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

template <typename Shape> struct AttentionTile {
  using Out = typename Shape::Out;
  using Warp = AttentionWarp<Shape>;
  static constexpr unsigned rows = 16, keys = Warp::keys;
  static constexpr unsigned group = Shape::heads / Shape::cacheHeads;
  static constexpr unsigned tileHeads = group < rows ? group : rows;
  static_assert(Shape::tokens * tileHeads <= rows, "a tile has 16 rows");
  static constexpr unsigned chunk = 32; ///< columns that are merged together

  struct Work {
    typename Warp::Query query;
    SharedArray<float, kRuns * rows * chunk> outputs;
    SharedArray<float, kRuns * rows> largest, sums;
  };

  const Cache<Shape> &cache;
  const float *query, *sinks;
  char *output;
  int64_t slot;
  unsigned cacheHead, firstHead; ///< of the group's heads
  unsigned token, tokens;        ///< of this sequence, in the tile

  /// Row `row` is a head of a token; whether there is one.
  bool isLive(unsigned row) const {
    return row / tileHeads < tokens && firstHead + row % tileHeads < group;
  }
  Sight<Shape> sight(unsigned row) const {
    const unsigned own = token + row / tileHeads;
    const int64_t position = load(load(&cache.batch.positions) + own);
    Sight<Shape> sight = {cacheHead * group + firstHead + row % tileHeads,
                          position, position};
    if constexpr (Shape::bidirectional)
      sight.last = lastOfSequence(cache.batch, own);
    return sight;
  }

  /// The keys of a row's run, [begin, end).
  struct Range {
    int64_t begin, end;
  };
  static Range rangeOf(const Sight<Shape> &sight, unsigned run) {
    const int64_t first = sight.first() / keys;
    const int64_t pages = sight.last / keys + 1 - first;
    const int64_t each = (pages + kRuns - 1) / kRuns;
    const int64_t begin = (first + run * each) * keys;
    return {begin, min(begin + each * keys, sight.last + 1)};
  }

  /// The tile's rows as halves; zeros where there is none.
  void loadQuery(Work &work) const {
    constexpr unsigned words = Warp::queryWords;
    for (unsigned i = threadIndex(); i < rows * words;
         i += kMmaAttentionThreads) {
      const unsigned row = i / words, pair = i % words;
      uint32_t halves = 0;
      if (isLive(row)) {
        const float *from =
            query + uint64_t(token + row / tileHeads) * Shape::queryStride +
            sight(row).head * Shape::keyWidth + 2 * pair;
        halves = packHalves(load(from), load(from + 1));
      }
      work.query.put(row * Warp::queryStride + pair, halves);
    }
    syncBlock();
  }

  /// Sums of one run of all rows: columns of values from `part` on.
  void sumRun(unsigned part, const Work &work, Warp &warp) const {
    Sight<Shape> sights[2] = {};
    Range ranges[2] = {};
    int begin = 0x7fffffff, end = 0;
#pragma unroll
    for (unsigned half = 0; half < 2; ++half) {
      const unsigned row = laneIndex() / 4 + 8 * half;
      if (!isLive(row))
        continue;
      sights[half] = sight(row);
      ranges[half] = rangeOf(sights[half], warpIndex());
      if (ranges[half].begin < ranges[half].end) {
        begin =
            begin < int(ranges[half].begin) ? begin : int(ranges[half].begin);
        end = end > int(ranges[half].end) ? end : int(ranges[half].end);
      }
    }
    for (unsigned mask = 4; mask < kWarp; mask *= 2) {
      const int otherBegin = shuffleXor(begin, mask);
      const int otherEnd = shuffleXor(end, mask);
      begin = begin < otherBegin ? begin : otherBegin;
      end = end > otherEnd ? end : otherEnd;
    }
    warp.begin();
    for (int64_t first = begin / keys * keys; first < end; first += keys)
      addPage(first, end, part, sights, ranges, work, warp);
  }

  void addPage(int64_t first, int64_t end, unsigned part,
               const Sight<Shape> (&sights)[2], const Range (&ranges)[2],
               const Work &work, Warp &warp) const {
    auto *page = cache.page(slot, first);
    typename Warp::Scores scores = {};
    warp.multiplyKeys(work.query,
                      reinterpret_cast<const uint16_t *>(
                          Cache<Shape>::key(page, cacheHead, 0)),
                      scores);
#pragma unroll
    for (unsigned b = 0; b < Warp::blocks; ++b)
#pragma unroll
      for (unsigned i = 0; i < 8; ++i) {
        const unsigned half = i / 2 % 2;
        float &score = scores[b][i / 4][i % 4];
        const int64_t key = first + Warp::keyOf(b, i / 4, i % 4);
        score = key < ranges[half].begin || key >= ranges[half].end
                    ? -infinity()
                    : sights[half].score(score, key);
      }
    warp.weigh(scores);
    warp.multiplyValues(reinterpret_cast<const uint16_t *>(
                            Cache<Shape>::value(page, cacheHead, 0)) +
                            part * 16 * Warp::tiles,
                        end - first, scores);
  }

  /// Leaves what the merge needs of a warp's rows.
  void leave(Warp &warp, Work &work) const {
#pragma unroll
    for (unsigned half = 0; half < 2; ++half) {
      float sum = warp.sum[half];
      sum += shuffleXor(sum, 1);
      sum += shuffleXor(sum, 2);
      if (laneIndex() % 4 != 0)
        continue;
      const unsigned at = warpIndex() * rows + laneIndex() / 4 + 8 * half;
      work.largest.put(at, warp.largest[half]);
      work.sums.put(at, sum);
    }
  }
  void leaveOutputs(const Warp &warp, unsigned number, Work &work) const {
#pragma unroll
    for (unsigned v = 0; v < Warp::tiles; ++v)
      if (v / 2 == number)
#pragma unroll
        for (unsigned i = 0; i < 8; ++i) {
          const unsigned row = laneIndex() / 4 + i / 2 % 2 * 8;
          const unsigned column =
              v % 2 * 16 + 2 * (laneIndex() % 4 * 2 + i % 2) + i / 4;
          work.outputs.put((warpIndex() * rows + row) * chunk + column,
                           warp.outputs[v][i / 4][i % 4]);
        }
  }

  /// Column `column` of a chunk: the runs of a row in turn.
  float merge(unsigned row, unsigned head, unsigned column,
              const Work &work) const {
    float largest = -infinity(), sum = 0, output = 0;
    if constexpr (Shape::sinks) { // a score without a value
      largest = load(sinks + head);
      sum = 1;
    }
    for (unsigned run = 0; run < kRuns; ++run) {
      const float own = work.largest.get(run * rows + row);
      if (own == -infinity())
        continue;
      const float most = fmaxf(largest, own);
      const float before = expf(largest - most), now = expf(own - most);
      sum = fmaf(work.sums.get(run * rows + row), now, sum * before);
      output = fmaf(work.outputs.get((run * rows + row) * chunk + column), now,
                    output * before);
      largest = most;
    }
    return output / sum;
  }

  void writeChunk(unsigned first, unsigned columns, const Work &work) const {
    for (unsigned row = warpIndex(); row < rows; row += kRuns) {
      if (!isLive(row))
        continue;
      const unsigned head = cacheHead * group + firstHead + row % tileHeads;
      const unsigned lane = laneIndex();
      const float value = lane < columns ? merge(row, head, lane, work) : 0.0f;
      char *to = Out::at(output, token + row / tileHeads);
      const unsigned place = head * Shape::valueWidth + first;
      if constexpr (Out::q8)
        writeBlock<Out>(to, place / 32, value);
      else if (lane < columns)
        storeAt<float>(to, 4 * (place + lane), value);
    }
  }

  void run(Work &work) const {
    loadQuery(work);
    for (unsigned part = 0; part < Warp::parts; ++part) {
      Warp warp;
      sumRun(part, work, warp);
      leave(warp, work);
      constexpr unsigned columns = 16 * Warp::tiles;
#pragma unroll
      for (unsigned number = 0; number < (columns + chunk - 1) / chunk;
           ++number) {
        leaveOutputs(warp, number, work);
        syncBlock();
        writeChunk(part * columns + number * chunk,
                   min(columns - number * chunk, chunk), work);
        syncBlock();
      }
    }
    if (cacheHead == 0 && firstHead == 0)
      for (unsigned t = 0; t < tokens; ++t)
        writePadding<Out>(Out::at(output, token + t), kRuns);
  }
};

template <typename Shape>
inline void mmaAttention(void *const *operands, const Batch &batch) {
  using Tile = AttentionTile<Shape>;
  __shared__ typename Tile::Work work;
  const Cache<Shape> cache = {operands[1], batch};
  const unsigned tokens = load(&batch.tokens);
  const unsigned tiles = (tokens + Shape::tokens - 1) / Shape::tokens;
  const unsigned first = unsigned(itemIndex()) % tiles * Shape::tokens;
  const unsigned end = min(first + Shape::tokens, tokens);
  const int32_t *slots = load(&batch.slots);
  for (unsigned token = first; token < end;) {
    // Tokens of one sequence follow each other.
    const int32_t slot = load(slots + token);
    unsigned behind = token + 1;
    while (behind < end && load(slots + behind) == slot)
      ++behind;
    for (unsigned head = 0; head < Tile::group; head += Tile::tileHeads)
      Tile{cache,
           static_cast<const float *>(operands[0]),
           static_cast<const float *>(operands[Shape::sinks ? 2 : 0]),
           static_cast<char *>(operands[Shape::sinks ? 3 : 2]),
           slot,
           unsigned(itemIndex()) / tiles,
           head,
           token,
           behind - token}
          .run(work);
    token = behind;
  }
}

} // namespace sinter::cuda
