// gemm on the matrix units, for many tokens: a block takes a few row groups and
// one tile of tokens, a warp two of the groups and a share of the tokens. The
// packed layout (codegen/x86/PackedLayout.h) is that of the units' registers,
// so a lane decodes its codes from the lines as they are; activations come
// through shared memory, into which they are copied some units ahead. Sums have
// the order that Gemm.cuh defines.
namespace sinter::cuda {

/// Units whose activations are copied together.
constexpr unsigned kStageUnits = 2;
/// Adding an integer below 2^22 to the bits of 1.5 * 2^23 gives that float plus
/// the integer: cheaper than a conversion.
constexpr uint32_t kMagicBits = 0x4b400000u;
inline float magic() { return floatOfBits(kMagicBits); }

/// The activations of a stage as they lie in shared memory: for each token
///   | codes | sums of codes | scaled sums | scales |
/// each where copies of its size may begin.
template <typename F, typename In> struct Stage {
  using Sums = UnitSums<F, In>;
  static constexpr unsigned groups = Sums::groups;
  static constexpr unsigned sumBytes = 4 * groups * kStageUnits;
  static constexpr unsigned codes = kStageUnits * kUnit;
  static constexpr unsigned mins = codes + (F::codeOffset != 0 ? sumBytes : 0);
  static constexpr unsigned scales =
      mins + (F::min != Min::None ? sumBytes : 0);
  static constexpr unsigned end = scales + 4 * kStageUnits;
  /// An odd number of 16 bytes: lanes of a warp then hit different banks.
  static constexpr unsigned stride =
      (end + 15) / 16 % 2 ? (end + 15) / 16 * 16 : (end + 31) / 16 * 16;

  template <unsigned size, typename Bytes>
  static void copyPart(Bytes &bytes, unsigned at, const char *row,
                       unsigned offset) {
    bytes.template copy<size>(at, row + offset);
  }
  /// Begins to copy part `part` (0 to 3: a quarter of the codes and, each for
  /// itself, the other parts) of a token's stage `number`.
  template <typename Bytes>
  static void copy(Bytes &bytes, unsigned at, const char *row, unsigned number,
                   unsigned part) {
    copyPart<16>(bytes, at + 16 * part, row,
                 number * kStageUnits * kUnit + 16 * part);
    if (part == 0)
      copyPart<8>(bytes, at + scales, row,
                  In::layout.scales + number * 4 * kStageUnits);
    if constexpr (F::codeOffset != 0)
      if (part == 1)
        copyPart<sumBytes>(bytes, at + codes, row,
                           Sums::codes + number * sumBytes);
    if constexpr (F::min != Min::None)
      if (part == 2)
        copyPart<sumBytes>(bytes, at + mins, row,
                           Sums::mins + number * sumBytes);
  }
};

/// Codes and factors of one unit of a row group, as far as a lane needs them:
/// those of rows lane / 4 and 8 below it.
template <typename F> struct UnitFragment {
  uint32_t codes[4];
  UnitFactors<F> factors[2];

  static UnitFragment of(const char *group, unsigned unit) {
    UnitFragment fragment;
#pragma unroll
    for (unsigned half = 0; half < 2; ++half) {
      const auto weights = Unit<F>::at(group, laneIndex() / 4 + 8 * half, unit);
      fragment.codes[half] = weights.quad(laneIndex() % 4);
      fragment.codes[2 + half] = weights.quad(laneIndex() % 4 + 4);
      fragment.factors[half] = UnitFactors<F>::of(weights);
    }
    return fragment;
  }
};

/// What two columns of a tile, which are tokens, begin with and are multiplied
/// by, for one unit.
template <typename F> struct UnitTerms {
  static constexpr unsigned groups = UnitFactors<F>::groups;
  int codes[2][groups] = {};
  float scales[2], mins[2][groups] = {};

  /// Adds a row group's unit to its sums of 8 tokens, of whose codes the lane
  /// has `b`.
  void add(const UnitFragment<F> &a, const uint32_t (&b)[2],
           float (&totals)[4]) const {
    int dots[groups][4];
#pragma unroll
    for (unsigned g = 0; g < groups; ++g)
#pragma unroll
      for (unsigned i = 0; i < 4; ++i)
        dots[g][i] = int(kMagicBits) + codes[i % 2][g];
    if constexpr (groups == 1) {
      mmaBytes(dots[0], a.codes, b);
    } else {
      mmaBytes(dots[0], {a.codes[0], a.codes[1]}, b[0]);
      mmaBytes(dots[1], {a.codes[2], a.codes[3]}, b[1]);
    }
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
      float products[groups];
#pragma unroll
      for (unsigned g = 0; g < groups; ++g)
        products[g] = floatOfBits(uint32_t(dots[g][i])) - magic();
      totals[i] =
          a.factors[i / 2].add(products, scales[i % 2], mins[i % 2], totals[i]);
    }
  }
};

/// Two or three stages, within the 48 KiB that every GPU gives to a block.
template <typename Shape> struct MmaWork {
  static constexpr unsigned sumCount =
      Shape::tile * Shape::rowGroups * kRowGroup;
  static constexpr unsigned stageBytes =
      Shape::tile * Stage<typename Shape::Format, typename Shape::In>::stride;
  static constexpr unsigned stages =
      3 * stageBytes + 4 * sumCount <= 48 << 10 ? 3 : 2;
  SharedBytes<stages * stageBytes> bytes;
  SharedArray<float, sumCount> sums;
};

template <typename Shape, typename Rows>
struct MmaItem : GemmItem<Shape, Rows, MmaWork<Shape>> {
  using Base = GemmItem<Shape, Rows, MmaWork<Shape>>;
  using Base::work;
  using F = typename Shape::Format;
  using In = typename Shape::In;
  using Run = Runs<Shape::width>;
  using Layout = Stage<F, In>;
  using Work = MmaWork<Shape>;
  static constexpr unsigned scaleGroups = UnitFactors<F>::groups;
  static constexpr unsigned warpGroups = Shape::rowGroups % 2 ? 1 : 2;
  static constexpr unsigned rowWarps = Shape::rowGroups / warpGroups;
  static constexpr unsigned tokenWarps = kGemmWarps / rowWarps;
  static constexpr unsigned columns = Shape::tile / tokenWarps / 8;
  static_assert(rowWarps * tokenWarps == kGemmWarps && columns > 0 &&
                    columns * tokenWarps * 8 == Shape::tile,
                "warps divide rows and tokens evenly");

  static constexpr unsigned stageBytes = Work::stageBytes;
  static constexpr unsigned stages = Work::stages;
  static constexpr unsigned stageCount =
      (Run::units + kStageUnits - 1) / kStageUnits;
  using Totals = float[warpGroups][columns][4];

  /// Begins to copy a stage of the tokens from `token` on.
  void copyStage(unsigned number, unsigned token, unsigned tokens) const {
    if (number < stageCount)
      for (unsigned i = threadIndex(); i < Shape::tile * 4; i += kGemmThreads) {
        const unsigned t = i / 4;
        Layout::copy(
            work.bytes, number % stages * stageBytes + t * Layout::stride,
            this->rows.input(min(token + t, tokens - 1)), number, i % 4);
      }
    commitCopies();
  }

  unsigned warpGroup(unsigned i) const {
    return warpIndex() % rowWarps * warpGroups + i;
  }
  unsigned warpToken() const { return warpIndex() / rowWarps * columns * 8; }

  /// Groups behind the last are the last again.
  void loadUnit(UnitFragment<F> (&fragments)[warpGroups], unsigned unit) const {
#pragma unroll
    for (unsigned i = 0; i < warpGroups; ++i) {
      const unsigned group = min(warpGroup(i), this->groupCount - 1);
      fragments[i] = UnitFragment<F>::of(
          this->weights +
              uint64_t(this->firstGroup + group) * Shape::rowGroupBytes,
          min(unit, Run::units - 1));
    }
  }

  /// Adds a row group's unit to its sums of 8 tokens: `b` their codes, `first`
  /// where those of the lane's first column lie.
  void addTile(const UnitFragment<F> &a, const uint32_t (&b)[2], unsigned first,
               unsigned unit, float (&totals)[4]) const {
    const unsigned inStage = unit % kStageUnits;
    UnitTerms<F> terms;
#pragma unroll
    for (unsigned column = 0; column < 2; ++column) {
      const unsigned at = first + column * Layout::stride;
      terms.scales[column] =
          work.bytes.template get<float>(at + Layout::scales + 4 * inStage);
#pragma unroll
      for (unsigned g = 0; g < scaleGroups; ++g) {
        const unsigned place = at + 4 * (inStage * scaleGroups + g);
        if constexpr (F::codeOffset != 0)
          terms.codes[column][g] =
              work.bytes.template get<int>(place + Layout::codes) *
              Layout::Sums::factor;
        if constexpr (F::min != Min::None)
          terms.mins[column][g] =
              work.bytes.template get<float>(place + Layout::mins);
      }
    }
    terms.add(a, b, totals);
  }

  void addUnit(const UnitFragment<F> (&fragments)[warpGroups], unsigned unit,
               unsigned live, Totals &totals) const {
    const unsigned stage = unit / kStageUnits % stages * stageBytes;
    const unsigned lane = laneIndex();
#pragma unroll
    for (unsigned n = 0; n < columns; ++n) {
      const unsigned token = warpToken() + 8 * n;
      if (token >= live) // the same for a whole warp
        break;
      const unsigned own = stage + (token + lane / 4) * Layout::stride +
                           unit % kStageUnits * kUnit + lane % 4 * 4;
      const uint32_t b[2] = {work.bytes.template get<uint32_t>(own),
                             work.bytes.template get<uint32_t>(own + 16)};
      const unsigned first = stage + (token + lane % 4 * 2) * Layout::stride;
#pragma unroll
      for (unsigned i = 0; i < warpGroups; ++i)
        addTile(fragments[i], b, first, unit, totals[i][n]);
    }
  }

  /// The end of a run: its sums go to those of the earlier ones.
  void endRun(bool firstRun, Totals &totals) const {
    const unsigned lane = laneIndex();
#pragma unroll
    for (unsigned i = 0; i < warpGroups; ++i)
#pragma unroll
      for (unsigned n = 0; n < columns; ++n)
#pragma unroll
        for (unsigned c = 0; c < 4; ++c) {
          const unsigned row = lane / 4 + c / 2 * 8;
          const unsigned group = min(warpGroup(i), this->groupCount - 1);
          float sum = totals[i][n][c] *
                      tensorScale<F>(this->weights +
                                         uint64_t(this->firstGroup + group) *
                                             Shape::rowGroupBytes,
                                     row);
          const unsigned at =
              (warpToken() + 8 * n + lane % 4 * 2 + c % 2) * Base::itemRows +
              warpGroup(i) * kRowGroup + row;
          if (!firstRun)
            sum = work.sums.get(at) + sum;
          work.sums.put(at, sum);
          totals[i][n][c] = 0;
        }
  }

  /// One tile of tokens.
  void runUnits(unsigned token, unsigned tokens) const {
    Totals totals = {};
    UnitFragment<F> next[warpGroups];
    for (unsigned number = 0; number + 1 < stages; ++number)
      copyStage(number, token, tokens);
    loadUnit(next, 0);
    for (unsigned unit = 0; unit < Run::units; ++unit) {
      if (unit % kStageUnits == 0) {
        waitForCopies<stages - 2>();
        syncBlock();
        copyStage(unit / kStageUnits + stages - 1, token, tokens);
      }
      UnitFragment<F> own[warpGroups];
#pragma unroll
      for (unsigned i = 0; i < warpGroups; ++i)
        own[i] = next[i];
      loadUnit(next, unit + 1);
      addUnit(own, unit, tokens - token, totals);
      if ((unit + 1) % Run::each == 0 || unit + 1 == Run::units)
        endRun(unit < Run::each, totals);
    }
    syncBlock();
    this->template write<Shape::tile>(token, tokens);
  }
};

/// All of `count` rows by an item of matrix units, a tile after the other.
template <typename Shape, typename Item>
inline void runTiles(const Item &item, unsigned count) {
  for (unsigned first = 0; first < count; first += Shape::tile) {
    item.runUnits(first, count);
    syncBlock();
  }
}

/// The block's item of those that divide rows and tokens.
template <typename Item, typename Shape>
inline void runTokenTile(typename Item::Work &work, void *const *operands,
                         const Batch &batch) {
  const unsigned tokens =
      Shape::outputs ? load(&batch.outputRows) : load(&batch.tokens);
  const unsigned tiles = (tokens + Shape::tile - 1) / Shape::tile;
  const auto index = unsigned(itemIndex());
  gemmItem<Item, Shape>(work, operands, index / tiles)
      .runUnits(index % tiles * Shape::tile, tokens);
}

template <typename Shape>
inline void mmaGemm(void *const *operands, const Batch &batch) {
  using Rows = DirectRows<typename Shape::In, typename Shape::Out>;
  using Item = MmaItem<Shape, Rows>;
  __shared__ typename Item::Work work;
  runTokenTile<Item, Shape>(work, operands, batch);
}

} // namespace sinter::cuda
