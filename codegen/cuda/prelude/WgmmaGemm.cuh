// gemm for many tokens on Hopper's own matrix path (Wgmma.cuh): a block takes 8
// row groups and 64 tokens, a warp one row group, whose codes it decodes from
// the packed lines into the registers from which a warpgroup multiplies. Rows
// of activations come by bulk copies, some stages ahead; since a row has scales
// and sums beside its codes, and lies in memory as other kernels need it, the
// block then puts codes under the units' swizzle and the rest by token. Sums
// have the order that Gemm.cuh defines.
namespace sinter::cuda {

/// The units of a stage: a row of the swizzle, 128 bytes of codes.
constexpr unsigned kWgmmaUnits = 4, kSwizzleRow = kWgmmaUnits * kUnit;
constexpr unsigned kWgmmaStages = 3;

/// Sixteen bytes and eight.
struct alignas(16) Quad {
  uint32_t words[4];
};
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

/// How activations come: for each token a stage's
///   | codes | scales | scaled sums |
/// and where they go: codes swizzled, the others [unit or group][token].
template <typename Shape> struct WgmmaStage {
  using F = typename Shape::Format;
  using Sums = UnitSums<F, typename Shape::In>;
  static constexpr bool hasMins = F::min != Min::None;
  static constexpr unsigned tile = Shape::tile, groups = Sums::groups;
  static constexpr unsigned scaleBytes = 4 * kWgmmaUnits;
  static constexpr unsigned minBytes = hasMins ? groups * scaleBytes : 0;
  static constexpr unsigned scales = kSwizzleRow, mins = scales + scaleBytes;
  static constexpr unsigned rowBytes = mins + minBytes;
  static constexpr unsigned bytes = tile * rowBytes;
  static constexpr unsigned codeBytes = tile * kSwizzleRow;
  /// Terms of one kind, with room behind them: a power of two would keep the
  /// compiler from adding tokens to an address as constants.
  static constexpr unsigned termRow = 4 * (tile + 8);
  static constexpr unsigned termRows = kWgmmaUnits * (hasMins ? 1 + groups : 1);
  static constexpr unsigned termBytes = termRows * termRow;

  /// Place of the scales of a unit of a stage; and of the sums of its group.
  static constexpr unsigned scalesAt(unsigned unit) { return unit * termRow; }
  static constexpr unsigned minsAt(unsigned unit, unsigned g) {
    return (kWgmmaUnits + unit * groups + g) * termRow;
  }
};

/// Codes and terms twice: a stage is put in order while warps still multiply
/// the last one.
template <typename Shape> struct WgmmaWork {
  using Stage = WgmmaStage<Shape>;
  SharedTile<2 * Stage::codeBytes> codes;
  SharedTile<2 * Stage::termBytes> terms;
  SharedTile<kWgmmaStages * Stage::bytes> rows;
  /// Four more than rows: lanes that put sums then hit different banks.
  static constexpr unsigned sumStride = Shape::rowGroups * kRowGroup + 4;
  SharedArray<float, Shape::tile * sumStride> sums;
  SharedBarrier arrived[kWgmmaStages];
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
  static_assert(tile <= kGemmThreads, "a thread copies a token");

  /// What a warp has of a unit while and after it is multiplied.
  struct Product {
    WgmmaWeights weights[scaleGroups];
    WgmmaSums dots[scaleGroups];
  };
  using Totals = float[columns][4];

  static void beginBarriers(WgmmaWork<Shape> &work) {
    if (threadIndex() == 0) {
      for (SharedBarrier &barrier : work.arrived)
        barrier.begin(tile);
      fenceSharedWrites();
    }
    syncBlock();
  }

  /// Begins to copy a stage of the tokens from `token` on, behind the last one
  /// the last again.
  void copyStage(unsigned number, unsigned token, unsigned tokens) const {
    const unsigned own = threadIndex();
    if (number >= stageCount || own >= tile)
      return;
    const char *row = this->rows.input(min(token + own, tokens - 1));
    const unsigned slot = number % kWgmmaStages;
    const unsigned at = slot * Stage::bytes + own * Stage::rowBytes;
    SharedBarrier &barrier = work.arrived[slot];
    barrier.expect(Stage::rowBytes);
    work.rows.copyBulk(at, row + number * kSwizzleRow, kSwizzleRow, barrier);
    work.rows.copyBulk(at + Stage::scales,
                       row + Shape::In::layout.scales +
                           number * Stage::scaleBytes,
                       Stage::scaleBytes, barrier);
    if constexpr (Stage::hasMins)
      work.rows.copyBulk(at + Stage::mins,
                         row + Stage::Sums::mins + number * Stage::minBytes,
                         Stage::minBytes, barrier);
  }

  /// Puts a stage that has arrived in order.
  void arrangeStage(unsigned number) const {
    const unsigned from = number % kWgmmaStages * Stage::bytes;
    const unsigned codes = number % 2 * Stage::codeBytes;
    const unsigned terms = number % 2 * Stage::termBytes;
    constexpr unsigned chunks = kSwizzleRow / 16;
#pragma unroll
    for (unsigned i = threadIndex(); i < tile * chunks; i += kGemmThreads) {
      const unsigned row = i / chunks, chunk = i % chunks;
      work.codes.put(codes + swizzled(row, chunk),
                     work.rows.template get<Quad>(from + row * Stage::rowBytes +
                                                  16 * chunk));
    }
#pragma unroll
    for (unsigned i = threadIndex(); i < tile * Stage::termRows;
         i += kGemmThreads)
      work.terms.put(
          terms + i / tile * Stage::termRow + i % tile * 4,
          work.rows.template get<float>(from + i % tile * Stage::rowBytes +
                                        Stage::scales + i / tile * 4));
    fenceSharedWrites();
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
        unit / kWgmmaUnits % 2 * Stage::codeBytes + inStage * kUnit;
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
    const unsigned terms = unit / kWgmmaUnits % 2 * Stage::termBytes +
                           4 * (8 * n + laneIndex() % 4 * 2);
    const auto scales =
        work.terms.template get<Pair>(terms + Stage::scalesAt(inStage));
    Pair mins[scaleGroups] = {};
    if constexpr (Stage::hasMins)
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
    for (unsigned number = 0; number < kWgmmaStages; ++number)
      copyStage(number, token, tokens);
    UnitFragment<F> next = UnitFragment<F>::of(groupWeights(), 0);
    for (unsigned number = 0; number < stageCount; ++number) {
      work.arrived[number % kWgmmaStages].wait(number / kWgmmaStages % 2);
      arrangeStage(number);
      syncBlock();
      copyStage(number + kWgmmaStages, token, tokens);
      runStage(number, product, next, totals);
    }
    syncBlock();
    this->template write<tile>(token, tokens);
  }
};

/// PTX for later GPUs has no products of four warps: there the tile is that of
/// MmaGemm.cuh, which gives the same bits, in the memory that the launch adds.
template <typename Shape>
inline void wgmmaGemm(void *const *operands, const Batch &batch) {
  using Rows = DirectRows<typename Shape::In, typename Shape::Out>;
  if constexpr (kHasWgmma) {
    using Item = WgmmaItem<Shape, Rows>;
    auto &work = dynamicShared<typename Item::Work, Shape::sharedBytes>();
    Item::beginBarriers(work);
    runTokenTile<Item, Shape>(work, operands, batch);
  } else {
    using Item = MmaItem<Shape, Rows>;
    auto &work = dynamicShared<typename Item::Work, Shape::sharedBytes>();
    runTokenTile<Item, Shape>(work, operands, batch);
  }
}

} // namespace sinter::cuda
