// gemm of 16-bit weights on the matrix units, for many tokens: a block takes
// some row groups and one tile of tokens, of which each warp multiplies a part
// as near to a square as the warps allow. Weights and activations come through
// shared memory, into which they are copied a stage of 32 columns, or two,
// ahead. Sums have the order that Float16Tile.cuh defines.
namespace sinter::cuda {

/// How eight warps divide a tile: row groups of a warp, the most of 4, 2 and 1
/// that leave every warp eight tokens or a multiple; 0: none does.
constexpr unsigned float16WarpGroups(unsigned rowGroups, unsigned tokens) {
  for (unsigned groups = 4; groups; groups /= 2)
    if (rowGroups % groups == 0 && kGemmWarps % (rowGroups / groups) == 0 &&
        tokens % (8 * (kGemmWarps / (rowGroups / groups))) == 0)
      return groups;
  return 0;
}

/// A stage in shared memory:
///   | tiles of each row group, one after the other | tokens, 32 columns each |
/// The eight pieces of an odd token's columns have changed halves, so that
/// lanes that read together hit different banks.
template <typename Shape> struct Float16Stage {
  static constexpr unsigned groupTiles = kUnit / kTileColumns;
  static constexpr unsigned groupBytes = groupTiles * kTileBytes;
  static constexpr unsigned tokens = Shape::rowGroups * groupBytes;
  static constexpr unsigned tokenBytes = 4 * kUnit;
  static constexpr unsigned bytes = tokens + Shape::tile * tokenBytes;

  static constexpr unsigned placeOf(unsigned token, unsigned piece) {
    return tokens + token * tokenBytes +
           kPieceBytes * (piece ^ token % 2 * (tokenBytes / kPieceBytes / 2));
  }
};

/// Stages while a tile is multiplied and, when it is, sums [token][row] of as
/// many tokens as fit: all of them, or half.
template <typename Shape> struct Float16Work {
  static constexpr unsigned stageBytes = Float16Stage<Shape>::bytes;
  static constexpr unsigned stages = 3 * stageBytes <= 48 << 10 ? 3 : 2;
  static constexpr unsigned rowBytes = 4 * Shape::rowGroups * kRowGroup;
  static constexpr unsigned chunk =
      Shape::tile * rowBytes <= stages * stageBytes ? Shape::tile
                                                    : Shape::tile / 2;
  static_assert(stages * stageBytes <= 48 << 10 &&
                    chunk * rowBytes <= stages * stageBytes,
                "a block has 48 KiB");

  struct Sums {
    SharedBytes<stages * stageBytes> bytes;

    float get(unsigned index) const {
      return bytes.template get<float>(4 * index);
    }
    void put(unsigned index, float sum) { bytes.put(4 * index, sum); }
  };
  Sums sums;
};

template <typename Shape, typename Rows>
struct Float16GemmItem : GemmItem<Shape, Rows, Float16Work<Shape>> {
  using Work = Float16Work<Shape>;
  using Base = GemmItem<Shape, Rows, Work>;
  using Base::work;
  using Run = Runs<Shape::width>;
  using Stage = Float16Stage<Shape>;
  using Units = Float16Units<PlainTypeOf<typename Shape::Format>::value>;
  static constexpr unsigned warpGroups =
      float16WarpGroups(Shape::rowGroups, Shape::tile);
  static_assert(warpGroups > 0, "warps divide rows and tokens evenly");
  static constexpr unsigned rowWarps = Shape::rowGroups / warpGroups;
  static constexpr unsigned columns =
      Shape::tile / 8 / (kGemmWarps / rowWarps); ///< of eight tokens
  static constexpr unsigned stages = Work::stages;
  using Totals = float[columns][warpGroups][4];

  /// What a thread copies in each stage: a piece of some tokens, and of some
  /// row groups.
  static constexpr unsigned tokenPieces = Stage::tokenBytes / kPieceBytes;
  static constexpr unsigned groupPieces = Stage::groupBytes / kPieceBytes;
  static constexpr unsigned copyTokens = kGemmThreads / tokenPieces;
  static constexpr unsigned copyGroups = kGemmThreads / groupPieces;
  static constexpr unsigned tokenCopies =
      (Shape::tile + copyTokens - 1) / copyTokens;
  using Inputs = const char *[tokenCopies];

  void findInputs(unsigned token, unsigned tokens, Inputs &inputs) const {
    const unsigned own = threadIndex() / tokenPieces;
#pragma unroll
    for (unsigned i = 0; i < tokenCopies; ++i)
      inputs[i] =
          this->rows.input(min(token + i * copyTokens + own, tokens - 1)) +
          4 * this->firstInput + kPieceBytes * (threadIndex() % tokenPieces);
  }

  /// Begins to copy unit `number`; groups behind the last are the last again.
  void copyStage(unsigned number, const Inputs &inputs) const {
    const unsigned stage = number % stages * Stage::bytes;
    auto &bytes = work.sums.bytes;
    if (number < Run::units) {
      const unsigned token = threadIndex() / tokenPieces;
#pragma unroll
      for (unsigned i = 0; i < tokenCopies; ++i)
        if (i * copyTokens + token < Shape::tile)
          bytes.template copy<kPieceBytes>(
              stage + Stage::placeOf(i * copyTokens + token,
                                     threadIndex() % tokenPieces),
              inputs[i] + number * Stage::tokenBytes);
      const unsigned piece = threadIndex() % groupPieces;
      for (unsigned group = threadIndex() / groupPieces;
           group < Shape::rowGroups; group += copyGroups)
        bytes.template copy<kPieceBytes>(
            stage + group * Stage::groupBytes + piece / kPieces * kTileBytes +
                kPieceBytes * placeOfPiece(piece % kPieces),
            this->weights +
                uint64_t(this->firstGroup + min(group, this->groupCount - 1)) *
                    Shape::rowGroupBytes +
                number * Stage::groupBytes + kPieceBytes * piece);
    }
    commitCopies();
  }

  unsigned warpGroup() const { return warpIndex() % rowWarps * warpGroups; }
  unsigned warpToken() const { return warpIndex() / rowWarps * columns * 8; }

  /// One of the tiles of a unit, for the warp's first `live` tokens.
  void addTile(unsigned unit, unsigned tile, unsigned live,
               Totals &totals) const {
    const unsigned stage = unit % stages * Stage::bytes;
    const auto &bytes = work.sums.bytes;
    uint32_t a[warpGroups][4];
#pragma unroll
    for (unsigned i = 0; i < warpGroups; ++i)
      loadTile(bytes,
               stage + (warpGroup() + i) * Stage::groupBytes +
                   tile * kTileBytes,
               a[i]);
    const unsigned lane = laneIndex();
#pragma unroll
    for (unsigned n = 0; n < columns; ++n) {
      if (8 * n >= live) // the same for a whole warp
        break;
      const unsigned place =
          Stage::placeOf(warpToken() + 8 * n + lane / 4, tile * 4 + lane % 4);
      Units::multiply(a, bytes.template get<Columns4>(stage + place),
                      totals[n]);
    }
  }

  static void fill(Totals &totals, float value) {
#pragma unroll
    for (unsigned i = 0; i < columns * warpGroups * 4; ++i)
      totals[i / (warpGroups * 4)][i / 4 % warpGroups][i % 4] = value;
  }

  /// The end of a run: its sums go to those of the earlier ones.
  static void endRun(Totals &totals, Totals &sums) {
#pragma unroll
    for (unsigned n = 0; n < columns; ++n)
#pragma unroll
      for (unsigned i = 0; i < warpGroups; ++i)
#pragma unroll
        for (unsigned c = 0; c < 4; ++c)
          sums[n][i][c] += Units::sumOf(totals[n][i][c]);
    fill(totals, 0);
  }

  /// Sums of the tile's tokens from `first` on, a chunk of them.
  void leave(unsigned first, const Totals &sums) const {
    const unsigned lane = laneIndex();
#pragma unroll
    for (unsigned n = 0; n < columns; ++n) {
      const unsigned token = warpToken() + 8 * n - first; // wraps before it
      if (token >= Work::chunk)
        continue;
#pragma unroll
      for (unsigned i = 0; i < warpGroups; ++i)
#pragma unroll
        for (unsigned c = 0; c < 4; ++c)
          work.sums.put((token + lane % 4 * 2 + c % 2) * Base::itemRows +
                            (warpGroup() + i) * kRowGroup + lane / 4 +
                            c / 2 * 8,
                        sums[n][i][c]);
    }
  }

  /// One tile of tokens: `token` ... of `tokens`.
  void runUnits(unsigned token, unsigned tokens) const {
    Inputs inputs;
    findInputs(token, tokens, inputs);
    for (unsigned number = 0; number + 1 < stages; ++number)
      copyStage(number, inputs);
    Totals totals, sums;
    fill(totals, 0);
    fill(sums, -0.0f); // which changes nothing that is added, not even -0
    const unsigned before = token + warpToken();
    const unsigned live = tokens > before ? tokens - before : 0;
    for (unsigned unit = 0; unit < Run::units; ++unit) {
      waitForCopies<stages - 2>();
      syncBlock();
      copyStage(unit + stages - 1, inputs);
      for (unsigned tile = 0; tile < Stage::groupTiles; ++tile)
        addTile(unit, tile, live, totals);
      if ((unit + 1) % Run::each == 0 || unit + 1 == Run::units)
        endRun(totals, sums);
    }
    for (unsigned first = 0; first < Shape::tile && token + first < tokens;
         first += Work::chunk) {
      syncBlock();
      leave(first, sums);
      syncBlock();
      this->template write<Work::chunk>(token + first, tokens);
    }
  }
};

template <typename Shape>
inline void float16Gemm(void *const *operands, const Batch &batch) {
  using Rows = DirectRows<typename Shape::In, typename Shape::Out>;
  using Item = Float16GemmItem<Shape, Rows>;
  __shared__ typename Item::Work work;
  runTokenTile<Item, Shape>(work, operands, batch);
}

} // namespace sinter::cuda
