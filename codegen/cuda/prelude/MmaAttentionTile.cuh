// Attention on the matrix units: a block takes 16 rows, the query heads of a
// cache head for a few tokens, so that keys and values are loaded once for all
// of them. What a row sees is divided into splits, and each of them into a run
// for each warp, of whole pages and by the row's position alone; the runs' sums
// are folded in turn, then the splits'. So a row's answer depends neither on
// the step's size nor on its tile, nor on whether blocks share the splits.
namespace sinter::cuda {

constexpr unsigned kMmaAttentionThreads = 256;
constexpr unsigned kRuns = kMmaAttentionThreads / kWarp; ///< of a split

/// Sums of a tile's rows over the splits so far; a thread reads only what it
/// wrote itself.
template <unsigned rows, unsigned columns, bool needed> struct FoldedSplits {
  SharedArray<float, rows * columns> outputs;
  SharedArray<float, rows * kWarp> largest, sums;
};
template <unsigned rows, unsigned columns>
struct FoldedSplits<rows, columns, false> {};

/// `onlySplit`: the block leaves one split's sums as a SplitRow; otherwise it
/// folds all of them.
template <typename Shape, bool onlySplit> struct AttentionTile {
  using Out = typename Shape::Out;
  using Warp = AttentionWarp<Shape>;
  static constexpr unsigned rows = 16, keys = Warp::keys;
  static constexpr unsigned group = Shape::heads / Shape::cacheHeads;
  static constexpr unsigned tileHeads = group < rows ? group : rows;
  static_assert(Shape::tokens * tileHeads <= rows, "a tile has 16 rows");
  static constexpr unsigned columns = 16 * Warp::tiles; ///< of a part
  static constexpr unsigned chunk = kWarp; ///< of them, folded together
  static constexpr unsigned chunks = (columns + chunk - 1) / chunk;

  struct Work {
    typename Warp::Query query;
    SharedArray<float, kRuns * rows * chunk> outputs;
    SharedArray<float, kRuns * rows> largest, sums;
    FoldedSplits<rows, chunks * chunk, !onlySplit> folded;
  };

  const Cache<Shape> &cache;
  const float *query, *sinks;
  void *output; ///< rows, or SplitRows
  typename Cache<Shape>::Pages pages; ///< of the sequence
  unsigned cacheHead, firstHead; ///< of the group's heads
  unsigned token, tokens;        ///< of this sequence, in the tile

  /// Row `row` is a head of a token; whether there is one.
  bool isLive(unsigned row) const {
    return row / tileHeads < tokens && firstHead + row % tileHeads < group;
  }
  unsigned headOf(unsigned row) const {
    return cacheHead * group + firstHead + row % tileHeads;
  }
  unsigned tokenOf(unsigned row) const { return token + row / tileHeads; }
  Sight<Shape> sight(unsigned row) const {
    return sightOf<Shape>(cache.batch, tokenOf(row), headOf(row));
  }

  /// Splits in which some row of the tile has keys.
  unsigned splitCount() const {
    unsigned count = 0;
    for (unsigned row = 0; row < tokens * tileHeads; row += tileHeads) {
      const auto own = sight(row);
      const unsigned splits = partsWithKeys<keys, kRuns * Shape::splits, kRuns>(
          own.first(), own.last);
      count = splits > count ? splits : count;
    }
    return count;
  }

  /// The tile's rows as halves; zeros where there is none.
  void loadQuery(Work &work) const {
    constexpr unsigned words = Warp::queryWords;
    for (unsigned i = threadIndex(); i < rows * words;
         i += kMmaAttentionThreads) {
      const unsigned row = i / words, pair = i % words;
      uint32_t halves = 0;
      if (isLive(row)) {
        const float *from = query +
                            uint64_t(tokenOf(row)) * Shape::queryStride +
                            headOf(row) * Shape::keyWidth + 2 * pair;
        halves = packHalves(load(from), load(from + 1));
      }
      work.query.put(row * Warp::queryStride + pair, halves);
    }
    syncBlock();
  }

  /// Sums of this warp's run of a split, for all rows: columns of values from
  /// `part` on.
  void sumRun(unsigned part, unsigned split, const Work &work,
              Warp &warp) const {
    Sight<Shape> sights[2] = {};
    KeyRange ranges[2] = {};
    int begin = 0x7fffffff, end = 0;
#pragma unroll
    for (unsigned half = 0; half < 2; ++half) {
      const unsigned row = laneIndex() / 4 + 8 * half;
      if (!isLive(row))
        continue;
      sights[half] = sight(row);
      ranges[half] = partOfKeys<keys, kRuns * Shape::splits>(
          sights[half].first(), sights[half].last, split * kRuns + warpIndex());
      if (ranges[half].begin < ranges[half].end) {
        begin = min(begin, ranges[half].begin);
        end = max(end, ranges[half].end);
      }
    }
    for (unsigned mask = 4; mask < kWarp; mask *= 2) {
      begin = min(begin, shuffleXor(begin, mask));
      end = max(end, shuffleXor(end, mask));
    }
    warp.begin();
    for (int first = begin / int(keys) * int(keys); first < end;
         first += int(keys))
      addPage(first, end, part, sights, ranges, work, warp);
  }

  void addPage(int first, int end, unsigned part,
               const Sight<Shape> (&sights)[2], const KeyRange (&ranges)[2],
               const Work &work, Warp &warp) const {
    const typename Warp::Page page = {pages.at(first), cacheHead};
    typename Warp::Scores scores = {};
    warp.multiplyKeys(work.query, page, scores);
#pragma unroll
    for (unsigned b = 0; b < Warp::blocks; ++b)
#pragma unroll
      for (unsigned i = 0; i < 8; ++i) {
        const unsigned half = i / 2 % 2;
        float &score = scores[b][i / 4][i % 4];
        const int key = first + int(Warp::keyOf(b, i / 4, i % 4));
        score = key < ranges[half].begin || key >= ranges[half].end
                    ? -infinity()
                    : sights[half].score(score, key);
      }
    warp.weigh(scores);
    warp.multiplyValues(page, part * columns, end - first, scores);
  }

  /// Leaves what folding needs of a warp's rows.
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

  /// A split of a row, for column `column` of a chunk: its runs in turn.
  struct RowSums {
    Fold fold;
    float output;
  };
  static RowSums foldRuns(unsigned row, unsigned column, const Work &work) {
    RowSums sums = {Fold::empty(), 0.0f};
    for (unsigned run = 0; run < kRuns; ++run) {
      const unsigned at = run * rows + row;
      const Fold own = {work.largest.get(at), work.sums.get(at)};
      if (own.isEmpty())
        continue;
      const Fold::Factors factors = sums.fold.add(own);
      sums.output =
          factors.add(sums.output, work.outputs.get(at * chunk + column));
    }
    return sums;
  }

  /// Folds a split into the earlier ones; `folds`: the last chunk does, whose
  /// lanes then have all columns' fold.
  RowSums foldSplit(unsigned row, unsigned split, unsigned number, bool folds,
                    const RowSums &own, Work &work) const {
    const unsigned place = row * chunk + laneIndex();
    const unsigned at = (row * chunks + number) * chunk + laneIndex();
    RowSums all = {Fold::empty(), 0.0f};
    if (split != 0)
      all = {{work.folded.largest.get(place), work.folded.sums.get(place)},
             work.folded.outputs.get(at)};
    else if constexpr (Shape::sinks) // a score without a value
      all.fold = {load(sinks + headOf(row)), 1.0f};
    if (!own.fold.isEmpty())
      all.output = all.fold.add(own.fold).add(all.output, own.output);
    work.folded.outputs.put(at, all.output);
    if (folds) {
      work.folded.largest.put(place, all.fold.largest);
      work.folded.sums.put(place, all.fold.sum);
    }
    return all;
  }

  void writeChunk(unsigned row, unsigned first, bool inside,
                  const RowSums &sums) const {
    const unsigned place = headOf(row) * Shape::valueWidth + first;
    char *to = Out::at(output, tokenOf(row));
    const float value = sums.output / sums.fold.sum;
    if constexpr (Out::q8)
      writeBlock<Out>(to, place / 32, value);
    else if (inside)
      storeAt<float>(to, 4 * (place + laneIndex()), value);
  }
  void leaveChunk(unsigned row, unsigned split, unsigned first, bool inside,
                  const RowSums &sums) const {
    const auto to = SplitRow<Shape>::at(output, tokenOf(row));
    const unsigned number = SplitRow<Shape>::numberOf(headOf(row), split);
    if (inside)
      to.putValue(number, first + laneIndex(), sums.output);
    if (first == 0 && laneIndex() == 0)
      to.put(number, sums.fold);
  }

  /// Chunk `number` of a part's columns, of a split that all warps summed up.
  void takeChunk(unsigned part, unsigned number, unsigned split, bool last,
                 Work &work) const {
    const bool inside = number * chunk + laneIndex() < columns;
    const unsigned column = inside ? laneIndex() : 0;
    const unsigned first = part * columns + number * chunk;
    for (unsigned row = warpIndex(); row < rows; row += kRuns) {
      if (!isLive(row))
        continue;
      RowSums sums = foldRuns(row, column, work);
      if constexpr (onlySplit) {
        leaveChunk(row, split, first, inside, sums);
      } else {
        sums = foldSplit(row, split, number, number + 1 == chunks, sums, work);
        if (last)
          writeChunk(row, first, inside, sums);
      }
    }
  }

  /// Splits [begin, end).
  void run(unsigned begin, unsigned end, Work &work) const {
    loadQuery(work);
    for (unsigned part = 0; part < Warp::parts; ++part)
      for (unsigned split = begin; split < end; ++split) {
        Warp warp;
        sumRun(part, split, work, warp);
        leave(warp, work);
#pragma unroll
        for (unsigned number = 0; number < chunks; ++number) {
          leaveOutputs(warp, number, work);
          syncBlock();
          takeChunk(part, number, split, split + 1 == end, work);
          syncBlock();
        }
      }
    if (!onlySplit && cacheHead == 0 && firstHead == 0)
      for (unsigned t = 0; t < tokens; ++t)
        writePadding<Out>(Out::at(output, token + t), kRuns);
  }

  /// Says that a split of the tile's rows is empty.
  void leaveEmpty(unsigned split) const {
    const unsigned row = threadIndex();
    if (row < rows && isLive(row))
      SplitRow<Shape>::at(output, tokenOf(row))
          .put(SplitRow<Shape>::numberOf(headOf(row), split), Fold::empty());
  }
};

template <typename Shape>
inline void mmaAttention(void *const *operands, const Batch &batch) {
  using Tile = AttentionTile<Shape, false>;
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
    for (unsigned head = 0; head < Tile::group; head += Tile::tileHeads) {
      const Tile tile = {cache,
                         static_cast<const float *>(operands[0]),
                         static_cast<const float *>(operands[2]),
                         operands[Shape::sinks ? 3 : 2],
                         cache.pagesOf(slot),
                         unsigned(itemIndex()) / tiles,
                         head,
                         token,
                         behind - token};
      tile.run(0, tile.splitCount(), work);
    }
    token = behind;
  }
}

/// An item is a split of a token's rows of a cache head.
template <typename Shape>
inline void mmaAttentionSplit(void *const *operands, const Batch &batch) {
  using Tile = AttentionTile<Shape, true>;
  static_assert(Shape::tokens == 1, "a block has a token");
  __shared__ typename Tile::Work work;
  const Cache<Shape> cache = {operands[1], batch};
  const unsigned tokens = load(&batch.tokens);
  const unsigned token = unsigned(itemIndex()) % tokens;
  const unsigned number = unsigned(itemIndex()) / tokens;
  const unsigned split = number % Shape::splits;
  for (unsigned head = 0; head < Tile::group; head += Tile::tileHeads) {
    const Tile tile = {cache,
                       static_cast<const float *>(operands[0]),
                       nullptr,
                       operands[2],
                       cache.pagesOf(load(load(&batch.slots) + token)),
                       number / Shape::splits,
                       head,
                       token,
                       1};
    if (split < tile.splitCount())
      tile.run(split, split + 1, work);
    else
      tile.leaveEmpty(split);
  }
}

} // namespace sinter::cuda
