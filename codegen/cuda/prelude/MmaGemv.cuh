// gemv for several tokens on the matrix units: a block takes the row groups of
// one item and all tokens in one pass over the weights; its warps divide k, two
// runs each (Gemm.cuh), and a tile is 16 rows and 8 tokens. Activations come
// from the caches, where a few tokens' stay. One token is multiplied by lanes.
namespace sinter::cuda {

/// Sums of the runs of a warp. `Shape` is gemm's.
template <typename Shape> struct GemvWarp {
  using F = typename Shape::Format;
  using In = typename Shape::In;
  using Sums = UnitSums<F, In>;
  using Run = Runs<Shape::width>;
  static constexpr unsigned runs = kStreams / kGemmWarps;
  static constexpr unsigned columns = Shape::tile / 8;
  /// Units of each run whose weights are loaded before any is multiplied: with
  /// both runs 8 KiB of 4-bit weights a block.
  static constexpr unsigned ahead = 2;

  /// Of 8 tokens: the one whose codes this lane gives the tile, and the two to
  /// whose sums it adds.
  struct Tokens {
    const char *codes, *sums[2];
  };

  float totals[runs][columns][4];

  static unsigned runOf(unsigned i) { return runs * warpIndex() + i; }
  static unsigned unitOf(unsigned i, unsigned number) {
    return runOf(i) * Run::each + number;
  }

  static UnitTerms<F> termsOf(const Tokens &tokens, unsigned unit) {
    UnitTerms<F> terms;
#pragma unroll
    for (unsigned column = 0; column < 2; ++column) {
      const char *row = tokens.sums[column];
      terms.scales[column] = loadAt<float>(row, In::layout.scales + 4 * unit);
#pragma unroll
      for (unsigned g = 0; g < Sums::groups; ++g) {
        const unsigned at = 4 * (unit * Sums::groups + g);
        if constexpr (F::codeOffset != 0)
          terms.codes[column][g] =
              loadAt<int>(row, Sums::codes + at) * Sums::factor;
        if constexpr (F::min != Min::None)
          terms.mins[column][g] = loadAt<float>(row, Sums::mins + at);
      }
    }
    return terms;
  }

  void addUnit(const UnitFragment<F> &fragment, const Tokens (&tokens)[columns],
               unsigned unit, unsigned live, float (&sums)[columns][4]) {
#pragma unroll
    for (unsigned n = 0; n < columns; ++n) {
      if (8 * n >= live) // the same for a whole warp
        break;
      const unsigned at = unit * kUnit + laneIndex() % 4 * 4;
      const uint32_t b[2] = {loadAt<uint32_t>(tokens[n].codes, at),
                             loadAt<uint32_t>(tokens[n].codes, at + 16)};
      termsOf(tokens[n], unit).add(fragment, b, sums[n]);
    }
  }

  /// All runs of a row group.
  void addGroup(const char *group, const Tokens (&tokens)[columns],
                unsigned live) {
#pragma unroll
    for (unsigned i = 0; i < runs * columns * 4; ++i)
      totals[i / (columns * 4)][i / 4 % columns][i % 4] = 0;
    for (unsigned number = 0; number < Run::each; number += ahead) {
      UnitFragment<F> fragments[ahead][runs];
#pragma unroll
      for (unsigned i = 0; i < ahead * runs; ++i)
        fragments[i / runs][i % runs] = UnitFragment<F>::of(
            group, min(unitOf(i % runs, number + i / runs), Run::units - 1));
#pragma unroll
      for (unsigned i = 0; i < ahead * runs; ++i) {
        const unsigned own = number + i / runs;
        if (own < Run::each && unitOf(i % runs, own) < Run::units)
          addUnit(fragments[i / runs][i % runs], tokens,
                  unitOf(i % runs, own), live, totals[i % runs]);
      }
    }
  }
};

template <typename Shape>
struct MmaGemvItem
    : GemmItem<Shape, DirectRows<typename Shape::In, typename Shape::Out>> {
  using Base =
      GemmItem<Shape, DirectRows<typename Shape::In, typename Shape::Out>>;
  using Warp = GemvWarp<Shape>;
  static constexpr unsigned tile = Shape::tile;
  static_assert(tile % 8 == 0 && tile <= 16, "few tokens");

  void sumGroup(unsigned group, unsigned first, unsigned count) const {
    typename Warp::Tokens tokens[Warp::columns];
#pragma unroll
    for (unsigned n = 0; n < Warp::columns; ++n) {
      // Behind the last one: the last again.
      const auto row = [&](unsigned token) {
        return this->rows.input(min(first + 8 * n + token, count - 1));
      };
      const unsigned lane = laneIndex();
      tokens[n] = {row(lane / 4), {row(lane % 4 * 2), row(lane % 4 * 2 + 1)}};
    }
    const char *weights =
        this->weights +
        uint64_t(this->firstGroup + group) * Shape::rowGroupBytes;
    Warp warp;
    warp.addGroup(weights, tokens, count - first);
    leave(weights, warp);
    this->template foldStreams<tile, Warp::Run::count>(group);
  }

  void leave(const char *weights, const Warp &warp) const {
    const unsigned lane = laneIndex();
    const float scales[2] = {
        tensorScale<typename Shape::Format>(weights, lane / 4),
        tensorScale<typename Shape::Format>(weights, lane / 4 + 8)};
#pragma unroll
    for (unsigned i = 0; i < Warp::runs; ++i)
#pragma unroll
      for (unsigned n = 0; n < Warp::columns; ++n)
#pragma unroll
        for (unsigned c = 0; c < 4; ++c) {
          const unsigned token = 8 * n + lane % 4 * 2 + c % 2;
          const unsigned row = lane / 4 + c / 2 * 8;
          this->work.partial.put(
              (Warp::runOf(i) * tile + token) * kRowGroup + row,
              warp.totals[i][n][c] * scales[c / 2]);
        }
  }

  void runTokens(unsigned count) const {
    for (unsigned first = 0; first < count; first += tile) {
      for (unsigned group = 0; group < this->groupCount; ++group)
        sumGroup(group, first, count);
      this->template write<tile>(first, count);
      syncBlock();
    }
  }
};

template <typename Shape>
inline void mmaGemv(void *const *operands, const Batch &batch) {
  using Item = MmaGemvItem<Shape>;
  __shared__ typename Item::Work work;
  const auto item =
      gemmItem<Item, Shape>(work, operands, unsigned(itemIndex()));
  const unsigned count =
      Shape::outputs ? load(&batch.outputRows) : load(&batch.tokens);
  if (count == 1)
    item.template runTile<1>(0, count);
  else
    item.runTokens(count);
}

} // namespace sinter::cuda
