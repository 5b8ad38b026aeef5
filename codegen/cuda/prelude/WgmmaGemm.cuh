// gemm for many tokens on Hopper's own matrix path (Wgmma.cuh): a block takes 8
// row groups and 64 tokens, a warp one row group, whose codes it decodes from
// the packed lines into the registers from which a warpgroup multiplies. Codes
// of activations are copied to where the units' swizzle wants them, their
// scales and sums by token, some stages ahead. These are pieces of 16 and 4
// bytes: the copy engine, which a lane must call for each piece by itself,
// would take longer to be told of a row's 128 bytes than the lanes to copy
// them. Sums have the order that Gemm.cuh defines.
namespace sinter::cuda {

/// The units of a stage: a row of the swizzle, 128 bytes of codes.
constexpr unsigned kWgmmaUnits = 4, kSwizzleRow = kWgmmaUnits * kUnit;
constexpr unsigned kWgmmaStages = 3;

/// What two neighbouring tokens have of one kind.
struct alignas(8) Pair {
  float values[2];
};

/// The place of 16 bytes of a row under the swizzle of 128 bytes: in each eight
/// rows, those of row r change places by r (PTX manual, "Swizzling Modes").
constexpr unsigned swizzled(unsigned row, unsigned chunk) {
  return row * kSwizzleRow + (chunk ^ row % 8) * 16;
}

/// The PTX manual's "Matrix Descriptor Format" of rows under that swizzle, from
/// shared address `address` on: a unit's first byte in the first row.
///   bits 0 to 13   the address / 16
///   bits 16 to 29  leading dimension, which counts without swizzle alone: 1
///   bits 32 to 45  bytes from eight rows to the next / 16
///   bits 49 to 51  how far eight rows are from a multiple of 1024: not at all
///   bits 62 to 63  1: swizzle of 128 bytes
inline uint64_t swizzledRows(unsigned address) {
  constexpr uint64_t eightRows = 8 * kSwizzleRow;
  return uint64_t(address >> 4 & 0x3fff) | 1ull << 16 | (eightRows >> 4) << 32 |
         1ull << 62;
}

/// A stage of activations in shared memory: codes, and beside them terms, which
/// are scales and, for formats with minima, scaled sums: [unit or
/// group][token].
template <typename Shape> struct WgmmaStage {
  using F = typename Shape::Format;
  using In = typename Shape::In;
  using Sums = UnitSums<F, In>;
  static constexpr unsigned tile = Shape::tile, groups = Sums::groups;
  static constexpr unsigned codeBytes = tile * kSwizzleRow;
  /// Terms of one kind, with room behind them: a power of two would keep the
  /// compiler from adding tokens to an address as constants.
  static constexpr unsigned termRow = 4 * (tile + 8);
  static constexpr unsigned minRows =
      F::min != Min::None ? kWgmmaUnits * groups : 0;
  static constexpr unsigned termBytes = (kWgmmaUnits + minRows) * termRow;

  /// Place of the scales of a unit of a stage; and of the sums of its group.
  static constexpr unsigned scalesAt(unsigned unit) { return unit * termRow; }
  static constexpr unsigned minsAt(unsigned unit, unsigned g) {
    return (kWgmmaUnits + unit * groups + g) * termRow;
  }

  /// Begins to copy `rows` terms of each token, which follow each other from
  /// `from` on in a row.
  template <unsigned rows, typename Bytes, typename RowOf>
  static void copyTerms(Bytes &bytes, unsigned at, RowOf rowOf, unsigned from) {
#pragma unroll
    for (unsigned i = threadIndex(); i < tile * rows; i += kGemmThreads)
      bytes.template copy<4>(at + i % rows * termRow + i / rows * 4,
                             rowOf(i / rows) + from + i % rows * 4);
  }
  /// Begins to copy stage `number` of the tokens whose rows `rowOf` gives.
  template <typename Bytes, typename Terms, typename RowOf>
  static void copy(Bytes &codes, Terms &terms, unsigned slot, unsigned number,
                   RowOf rowOf) {
    constexpr unsigned chunks = kSwizzleRow / 16;
#pragma unroll
    for (unsigned i = threadIndex(); i < tile * chunks; i += kGemmThreads)
      codes.template copy<16>(
          slot * codeBytes + swizzled(i / chunks, i % chunks),
          rowOf(i / chunks) + number * kSwizzleRow + 16 * (i % chunks));
    const unsigned at = slot * termBytes;
    copyTerms<kWgmmaUnits>(terms, at, rowOf,
                           In::layout.scales + number * 4 * kWgmmaUnits);
    if constexpr (minRows != 0)
      copyTerms<minRows>(terms, at + minsAt(0, 0), rowOf,
                         Sums::mins + number * 4 * minRows);
  }
};

template <typename Shape> struct WgmmaWork {
  using Stage = WgmmaStage<Shape>;
  SharedTile<kWgmmaStages * Stage::codeBytes> codes;
  SharedTile<kWgmmaStages * Stage::termBytes> terms;
  /// Four more than rows: lanes that put sums then hit different banks.
  static constexpr unsigned sumStride = Shape::rowGroups * kRowGroup + 4;
  SharedArray<float, Shape::tile * sumStride> sums;
};

/// Codes as signed bytes: without the offset of the format.
template <typename F> inline uint32_t signedCodes(uint32_t codes) {
  constexpr uint32_t high = 0x80808080u, offset = F::codeOffset * 0x01010101u;
  if constexpr (F::codeOffset == 0)
    return codes;
  // No byte borrows from the next one: bit 7 is set first and made right last.
  return ((codes | high) - (offset & ~high)) ^ ((codes ^ ~offset) & high);
}

template <typename Shape, typename Rows>
struct WgmmaItem
    : GemmItem<Shape, Rows, WgmmaWork<Shape>, WgmmaWork<Shape>::sumStride> {
  using Base =
      GemmItem<Shape, Rows, WgmmaWork<Shape>, WgmmaWork<Shape>::sumStride>;
  using Base::work;
  using Work = WgmmaWork<Shape>;
  using F = typename Shape::Format;
  using Run = Runs<Shape::width>;
  using Stage = WgmmaStage<Shape>;
  static constexpr unsigned scaleGroups = Stage::groups, tile = Shape::tile;
  static constexpr unsigned columns = WgmmaSums::columns / 8;
  static constexpr unsigned stageCount =
      (Run::units + kWgmmaUnits - 1) / kWgmmaUnits;
  static_assert(Shape::rowGroups == kGemmWarps && tile == WgmmaSums::columns,
                "a warp has a row group and all tokens");

  /// What a warp has of a unit while and after it is multiplied.
  struct Product {
    WgmmaWeights weights[scaleGroups];
    WgmmaSums dots[scaleGroups];
  };
  using Totals = float[columns][4];

  /// Begins to copy a stage of the tokens from `token` on, behind the last one
  /// the last again.
  void copyStage(unsigned number, unsigned token, unsigned tokens) const {
    if (number < stageCount)
      Stage::copy(work.codes, work.terms, number % kWgmmaStages, number,
                  [&](unsigned own) {
                    return this->rows.input(min(token + own, tokens - 1));
                  });
    commitCopies();
  }

  const char *groupWeights() const {
    const unsigned group = min(warpIndex(), this->groupCount - 1);
    return this->weights +
           uint64_t(this->firstGroup + group) * Shape::rowGroupBytes;
  }

  /// Begins to multiply unit `unit`, whose codes are in `fragment`.
  void beginUnit(Product &product, const UnitFragment<F> &fragment,
                 unsigned unit) const {
    const unsigned inStage = unit % kWgmmaUnits;
    const unsigned at =
        unit / kWgmmaUnits % kWgmmaStages * Stage::codeBytes + inStage * kUnit;
    const uint64_t rows = swizzledRows(work.codes.address(at));
#pragma unroll
    for (unsigned g = 0; g < scaleGroups; ++g)
#pragma unroll
      for (unsigned i = 0; i < 4; ++i) {
        // Of 16 weights a group: the other ones are 0.
        const bool own = scaleGroups == 1 || i / 2 == g;
        product.weights[g].put(i, own ? signedCodes<F>(fragment.codes[i]) : 0u);
      }
    fenceProducts();
#pragma unroll
    for (unsigned g = 0; g < scaleGroups; ++g)
      multiplyWarpgroup<F::codeOffset != 0>(product.dots[g], product.weights[g],
                                            rows);
    commitProducts();
  }

  void addTile(const Product &product, const UnitFactors<F> (&factors)[2],
               unsigned unit, unsigned n, float (&totals)[4]) const {
    const unsigned inStage = unit % kWgmmaUnits;
    const unsigned terms =
        unit / kWgmmaUnits % kWgmmaStages * Stage::termBytes +
        4 * (8 * n + laneIndex() % 4 * 2);
    const auto scales =
        work.terms.template get<Pair>(terms + Stage::scalesAt(inStage));
    Pair mins[scaleGroups] = {};
    if constexpr (Stage::minRows != 0)
#pragma unroll
      for (unsigned g = 0; g < scaleGroups; ++g)
        mins[g] =
            work.terms.template get<Pair>(terms + Stage::minsAt(inStage, g));
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
      float products[scaleGroups], sums[scaleGroups];
#pragma unroll
      for (unsigned g = 0; g < scaleGroups; ++g) {
        products[g] = float(product.dots[g].get(4 * n + i));
        sums[g] = mins[g].values[i % 2];
      }
      totals[i] =
          factors[i / 2].add(products, scales.values[i % 2], sums, totals[i]);
    }
  }

  /// The end of a run: its sums go to those of the earlier ones.
  void endRun(bool firstRun, Totals &totals) const {
    const unsigned lane = laneIndex();
#pragma unroll
    for (unsigned i = 0; i < 2; ++i) {
      const unsigned row = lane / 4 + 8 * i;
      const float scale = tensorScale<F>(groupWeights(), row);
#pragma unroll
      for (unsigned c = 0; c < columns * 2; ++c) {
        float &total = totals[c / 2][2 * i + c % 2];
        float sum = total * scale;
        const unsigned at =
            (c / 2 * 8 + lane % 4 * 2 + c % 2) * Work::sumStride +
            warpIndex() * kRowGroup + row;
        if (!firstRun)
          sum = work.sums.get(at) + sum;
        work.sums.put(at, sum);
        total = 0;
      }
    }
  }

  /// The units of a stage that is in order; `next` has the codes of the first.
  void runStage(unsigned number, Product &product, UnitFragment<F> &next,
                Totals &totals) const {
    const unsigned end = min((number + 1) * kWgmmaUnits, Run::units);
    for (unsigned unit = number * kWgmmaUnits; unit < end; ++unit) {
      beginUnit(product, next, unit);
      if constexpr (scaleGroups == 1)
        waitForProducts<0>(product.dots[0]);
      else
        waitForProducts<0>(product.dots[0], product.dots[1]);
      // The next codes are on their way while these products are scaled; in
      // front of the wait, decoding them would touch registers that the units
      // still read, and ptxas would let nothing overlap.
      const UnitFactors<F> factors[2] = {next.factors[0], next.factors[1]};
      next = UnitFragment<F>::of(groupWeights(), min(unit + 1, Run::units - 1));
#pragma unroll
      for (unsigned n = 0; n < columns; ++n)
        addTile(product, factors, unit, n, totals[n]);
      if ((unit + 1) % Run::each == 0 || unit + 1 == Run::units)
        endRun(unit < Run::each, totals);
    }
  }

  /// One tile of tokens.
  void runUnits(unsigned token, unsigned tokens) const {
    Product product = {};
    Totals totals = {};
    for (unsigned number = 0; number + 1 < kWgmmaStages; ++number)
      copyStage(number, token, tokens);
    UnitFragment<F> next = UnitFragment<F>::of(groupWeights(), 0);
    for (unsigned number = 0; number < stageCount; ++number) {
      waitForCopies<kWgmmaStages - 2>();
      fenceSharedWrites();
      syncBlock();
      copyStage(number + kWgmmaStages - 1, token, tokens);
      runStage(number, product, next, totals);
    }
    syncBlock();
    this->template write<tile>(token, tokens);
  }
};

/// PTX for later GPUs has no products of four warps: there the tile is that of
/// MmaGemm.cuh, which gives the same bits, in the memory that the launch adds.
template <typename Shape, typename Rows, bool has = kHasWgmma>
struct WgmmaOrMma {
  using Item = WgmmaItem<Shape, Rows>;
};
template <typename Shape, typename Rows> struct WgmmaOrMma<Shape, Rows, false> {
  using Item = MmaItem<Shape, Rows>;
};

template <typename Shape>
inline void wgmmaGemm(void *const *operands, const Batch &batch) {
  using Rows = DirectRows<typename Shape::In, typename Shape::Out>;
  using Item = typename WgmmaOrMma<Shape, Rows>::Item;
  runTokenTile<Item, Shape>(
      dynamicShared<typename Item::Work, Shape::sharedBytes>(), operands,
      batch);
}

} // namespace sinter::cuda
