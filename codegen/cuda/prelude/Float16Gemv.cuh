// gemv of 16-bit weights on the matrix units, for one token to eight: a block
// takes the row groups of one item in one pass over the weights, of which its
// warps divide k, two runs each. Weights come through shared memory, a ring of
// tiles for each warp, so that kilobytes are on their way without taking
// registers; activations come from the caches, where a few tokens' stay. Sums
// have the order that Float16Tile.cuh defines.
namespace sinter::cuda {

/// Bytes of a warp's ring: with two blocks on a multiprocessor up to 56 KiB are
/// on their way, twice what hides an H200's latency
/// (../shared/reference/kernels.md, 4.1).
constexpr unsigned kRingBytes = 4 << 10;
constexpr unsigned kFewTokens = 8; ///< of a tile

template <typename Shape> struct Float16FewWork {
  SharedBytes<kGemmWarps * kRingBytes> bytes;
  SharedArray<float, kStreams * kFewTokens * kRowGroup> partial;
  SharedArray<float, kFewTokens * Shape::rowGroups * kRowGroup> sums;
};

template <typename Shape, typename Rows>
struct Float16GemvItem : GemmItem<Shape, Rows, Float16FewWork<Shape>> {
  using Work = Float16FewWork<Shape>;
  using Base = GemmItem<Shape, Rows, Work>;
  using Base::work;
  using Run = Runs<Shape::width>;
  using Units = Float16Units<PlainTypeOf<typename Shape::Format>::value>;
  static_assert(Shape::tile == kFewTokens, "a tile of the units");
  static constexpr unsigned rowGroups = Shape::rowGroups;
  static constexpr unsigned runs = kStreams / kGemmWarps; ///< of a warp
  static constexpr unsigned unitTiles = kUnit / kTileColumns;
  static constexpr unsigned runTiles = Run::each * unitTiles;
  static constexpr unsigned tiles = Run::units * unitTiles; ///< of a row group
  static constexpr unsigned stageBytes = rowGroups * kTileBytes;
  static constexpr unsigned stages = kRingBytes / stageBytes;
  static_assert(stages >= 2, "a stage is copied while one is multiplied");

  static unsigned firstTile() { return runs * warpIndex() * runTiles; }
  static unsigned endTile() {
    return min(firstTile() + runs * runTiles, tiles);
  }

  unsigned stageOf(unsigned tile) const {
    return warpIndex() * kRingBytes + tile % stages * stageBytes;
  }

  /// Begins to copy the tiles of all row groups; groups behind the last are the
  /// last again.
  void copyTiles(unsigned tile) const {
    const unsigned piece = laneIndex();
    static_assert(kPieces == kWarp, "a piece for each lane");
    if (tile < endTile())
#pragma unroll
      for (unsigned i = 0; i < rowGroups; ++i)
        work.bytes.template copy<kPieceBytes>(
            stageOf(tile) + i * kTileBytes + kPieceBytes * placeOfPiece(piece),
            this->weights +
                uint64_t(this->firstGroup + min(i, this->groupCount - 1)) *
                    Shape::rowGroupBytes +
                uint64_t(tile) * kTileBytes + kPieceBytes * piece);
    commitCopies();
  }

  /// A run of the warp, whose tiles are `begin` ... `end`; `row` is the token's
  /// that the lane gives the units.
  void addRun(const char *row, unsigned begin, unsigned end,
              float (&totals)[rowGroups][4]) const {
    const auto columnsOf = [&](unsigned tile) {
      return loadAt<Columns4>(row, 4 * (this->firstInput +
                                        kTileColumns * min(tile, tiles - 1) +
                                        laneIndex() % 4 * 4));
    };
    Columns4 next = columnsOf(begin);
    for (unsigned tile = begin; tile < end; ++tile) {
      waitForCopies<stages - 2>();
      syncWarp();
      copyTiles(tile + stages - 1);
      const Columns4 own = next;
      next = columnsOf(tile + 1);
      uint32_t a[rowGroups][4];
#pragma unroll
      for (unsigned i = 0; i < rowGroups; ++i)
        loadTile(work.bytes, stageOf(tile) + i * kTileBytes, a[i]);
      Units::multiply(a, own, totals);
    }
  }

  /// The runs' sums of row group `group`.
  void leave(unsigned group, const float (&totals)[runs][rowGroups][4]) const {
    const unsigned lane = laneIndex();
#pragma unroll
    for (unsigned i = 0; i < runs; ++i)
#pragma unroll
      for (unsigned c = 0; c < 4; ++c)
        work.partial.put(
            ((runs * warpIndex() + i) * kFewTokens + lane % 4 * 2 + c % 2) *
                    kRowGroup +
                lane / 4 + c / 2 * 8,
            Units::sumOf(totals[i][group][c]));
  }

  /// Tokens `token` ... of `tokens`, eight of them at most.
  void runUnits(unsigned token, unsigned tokens) const {
    syncWarp(); // what an earlier tile left in the ring has been read
    for (unsigned number = 0; number + 1 < stages; ++number)
      copyTiles(firstTile() + number);
    // Behind the last token: the last again.
    const char *row =
        this->rows.input(min(token + laneIndex() / 4, tokens - 1));
    float totals[runs][rowGroups][4] = {};
#pragma unroll
    for (unsigned i = 0; i < runs; ++i) {
      const unsigned begin = firstTile() + i * runTiles;
      addRun(row, begin, min(begin + runTiles, tiles), totals[i]);
    }
#pragma unroll
    for (unsigned group = 0; group < rowGroups; ++group) {
      if (group >= this->groupCount)
        break;
      leave(group, totals);
      this->template foldStreams<kFewTokens, Run::count>(group);
    }
    this->template write<kFewTokens>(token, tokens);
  }
};

/// What EarlyBegin.cuh's weightsAhead is for lanes: each warp asks for what its
/// ring holds of the block's first row group.
template <typename Shape> inline void ringsAhead(void *const *operands) {
  using Rows = DirectRows<typename Shape::In, typename Shape::Out>;
  using Item = Float16GemvItem<Shape, Rows>;
  constexpr unsigned lines = kTileBytes / kLineBytes; ///< of a tile
  static_assert(kWarp * kLineBytes == kRingBytes, "a line for each lane");
  const unsigned tile = Item::firstTile() + laneIndex() / lines;
  if (tile < Item::endTile())
    prefetchWeights(static_cast<const char *>(operands[1]) +
                    uint64_t(itemIndex()) * Shape::rowGroups *
                        Shape::rowGroupBytes +
                    uint64_t(tile) * kTileBytes +
                    laneIndex() % lines * kLineBytes);
}

template <typename Shape>
inline void float16Gemv(void *const *operands, const Batch &batch) {
  using Rows = DirectRows<typename Shape::In, typename Shape::Out>;
  using Item = Float16GemvItem<Shape, Rows>;
  __shared__ typename Item::Work work;
  runTiles<Shape>(gemmItem<Item, Shape>(work, operands, unsigned(itemIndex())),
                  Shape::outputs ? load(&batch.outputRows)
                                 : load(&batch.tokens));
}

} // namespace sinter::cuda
