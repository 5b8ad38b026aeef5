// gemv and gemm: the rows of a step times packed weights. A block takes the row
// groups of one item; its half-warps divide k among them, a lane having one
// row. A format's order of sums is: k in kStreams runs of whole units, each
// added up from its first unit to its last, then these sums in turn. All
// kernels of a format keep to it, whatever their tiles are (MmaGemm.cuh);
// matrix units have another one for 16-bit weights (Float16Tile.cuh).
namespace sinter::cuda {

constexpr unsigned kGemmThreads = 256;
constexpr unsigned kGemmWarps = kGemmThreads / kWarp;
constexpr unsigned kStreams = 2 * kGemmWarps;

/// How the units of a row of `width` weights are divided into runs.
template <unsigned width> struct Runs {
  static constexpr unsigned units = (width + kUnit - 1) / kUnit;
  static constexpr unsigned each = (units + kStreams - 1) / kStreams;
  static constexpr unsigned count = (units + each - 1) / each;
};

/// What a row's codes of one unit are multiplied by, and its addends for each
/// unit of activation sum: F16 times 6 bits, which float32 holds exactly.
template <typename F> struct UnitFactors {
  static constexpr unsigned groups = F::group < kUnit ? kUnit / F::group : 1;
  float scales[groups], mins[groups];

  static UnitFactors of(const Unit<F> &unit) {
    UnitFactors factors;
#pragma unroll
    for (unsigned g = 0; g < groups; ++g) {
      factors.scales[g] = unit.scale(g) * unit.superScale();
      factors.mins[g] = 0;
      if constexpr (F::min != Min::None)
        factors.mins[g] = unit.min(g) * unit.superMin();
    }
    return factors;
  }

  /// total + the unit: `dots` are the groups' sums of products of codes,
  /// `scale` and `sums` are the activations'.
  float add(const float (&dots)[groups], float scale,
            const float (&sums)[groups], float total) const {
    float sum = dots[0] * scales[0];
#pragma unroll
    for (unsigned g = 1; g < groups; ++g)
      sum = fmaf(dots[g], scales[g], sum);
    total = fmaf(sum, scale, total);
    if constexpr (F::min != Min::None)
#pragma unroll
      for (unsigned g = 0; g < groups; ++g)
        total = fmaf(mins[g], sums[g], total);
    return total;
  }
};

/// Where a row of activations has what one unit needs, per group: offsets of
/// sums of codes (formats with an offset) and of scaled ones (with minima).
template <typename F, typename In> struct UnitSums {
  static constexpr unsigned groups = UnitFactors<F>::groups;
  static constexpr Q8Layout layout = In::layout;
  static constexpr unsigned codes =
      groups == 1 ? layout.codes32 : layout.codes16;
  static constexpr unsigned mins = groups == 1 ? layout.mins32 : layout.mins16;
  /// Codes' sums times this begin the groups' dot products.
  static constexpr int factor = int(F::codeOffset >> sumShift(In::sums));
};

/// One unit of a row times unit `unit` of one token's activations, added to
/// `total`.
template <typename F, typename In>
inline float addUnit(const UnitFactors<F> &factors,
                     const uint32_t (&codes)[kQuads], const char *input,
                     unsigned unit, float total) {
  using Sums = UnitSums<F, In>;
  constexpr unsigned groups = Sums::groups, quads = kQuads / groups;
  float dots[groups], mins[groups] = {};
#pragma unroll
  for (unsigned g = 0; g < groups; ++g) {
    const unsigned at = 4 * (unit * groups + g);
    int dot = 0;
    if constexpr (F::codeOffset != 0)
      dot = loadAt<int>(input, Sums::codes + at) * Sums::factor;
#pragma unroll
    for (unsigned q = g * quads; q < (g + 1) * quads; ++q)
      dot =
          dotBytes(codes[q], loadAt<int32_t>(input, unit * kUnit + 4 * q), dot);
    dots[g] = float(dot);
    if constexpr (F::min != Min::None)
      mins[g] = loadAt<float>(input, Sums::mins + at);
  }
  const float scale = loadAt<float>(input, In::layout.scales + 4 * unit);
  return factors.add(dots, scale, mins, total);
}

/// The sums of a stream over `width` columns, which begin at `from` of each
/// input row: `F` is a block format.
template <typename F, typename In, unsigned width, unsigned tile>
struct StreamSums {
  using Run = Runs<width>;
  static constexpr unsigned count = Run::count; ///< streams that have work

  static void add(const char *group, unsigned row, unsigned stream,
                  const char *const (&inputs)[tile], unsigned from,
                  float (&totals)[tile]) {
    const unsigned begin = stream * Run::each;
    const unsigned end = min(begin + Run::each, Run::units);
    // For one token four units are on their way at once: of 4-bit weights 64
    // bytes a lane, 16 KiB a block, so that two blocks of a multiprocessor
    // cover the 25 KiB that hide an H200's latency
    // (../shared/reference/kernels.md, 4.1).
#pragma unroll(tile == 1 ? 4 : 1)
    for (unsigned unit = begin; unit < end; ++unit) {
      const auto weights = Unit<F>::at(group, row, unit);
      uint32_t codes[kQuads];
#pragma unroll
      for (unsigned q = 0; q < kQuads; ++q)
        codes[q] = weights.quad(q);
      const auto factors = UnitFactors<F>::of(weights);
#pragma unroll
      for (unsigned t = 0; t < tile; ++t)
        totals[t] = addUnit<F, In>(factors, codes, inputs[t],
                                   from / kUnit + unit, totals[t]);
    }
    const float scale = tensorScale<F>(group, row);
    for (unsigned t = 0; t < tile; ++t)
      totals[t] *= scale;
  }
};

/// Plain weights: float32 products, eight k of a row at a time.
template <PlainType type> struct PlainFormat {};
template <PlainType type, typename In, unsigned width, unsigned tile>
struct StreamSums<PlainFormat<type>, In, width, tile> {
  static constexpr unsigned count = kStreams;

  static void add(const char *group, unsigned row, unsigned stream,
                  const char *const (&inputs)[tile], unsigned from,
                  float (&totals)[tile]) {
    for (unsigned column = stream; column < width; column += kStreams) {
      const float weight = plainWeight<type>(group, row, column);
#pragma unroll
      for (unsigned t = 0; t < tile; ++t)
        totals[t] = fmaf(weight, loadAt<float>(inputs[t], 4 * (from + column)),
                         totals[t]);
    }
  }
};

/// Rows that lie one after the other.
template <typename In, typename Out> struct DirectRows {
  const char *inputs;
  char *outputs;

  const char *input(unsigned row) const { return In::at(inputs, row); }
  char *output(unsigned row) const { return Out::at(outputs, row); }
};

/// Sums of a token tile: of each stream [stream][token][row], then of the item
/// [token][row].
template <typename Shape> struct GemmWork {
  SharedArray<float, kStreams * Shape::tile * kRowGroup> partial;
  SharedArray<float, Shape::tile * Shape::rowGroups * kRowGroup> sums;
};

/// Row groups of a matrix times rows. `Shape` lists width, weightRows,
/// rowGroups, rowGroupBytes, segments, bias, tile (tokens at a time), the types
/// Format, In and Out, and apply(), the hole's body over a value of each
/// segment. `Rows` finds input and output rows by their number; `Work` is what
/// the block shares, with `sumStride` sums for each token.
template <typename Shape, typename Rows, typename WorkOf = GemmWork<Shape>,
          unsigned sumStride = Shape::rowGroups *kRowGroup>
struct GemmItem {
  using Work = WorkOf;
  using In = typename Shape::In;
  using Out = typename Shape::Out;
  static constexpr unsigned segments = Shape::segments;
  static constexpr unsigned itemRows = Shape::rowGroups * kRowGroup;
  static constexpr unsigned groups =
      (Shape::weightRows + kRowGroup - 1) / kRowGroup;
  static constexpr unsigned outputColumns = Shape::weightRows / segments;

  Work &work;
  Rows rows;
  const char *weights;
  unsigned firstGroup, groupCount;
  const float *biases[segments] = {}; ///< of each segment
  unsigned firstInput = 0;            ///< column of the input rows
  unsigned firstOutput = 0;           ///< and of the output rows

  template <unsigned tile>
  void sumGroup(unsigned group, unsigned first, unsigned count) const {
    const unsigned row = laneIndex() % kRowGroup;
    const unsigned stream = threadIndex() / kRowGroup;
    const char *inputs[tile];
    for (unsigned t = 0; t < tile; ++t) // behind the last one: the last again
      inputs[t] = rows.input(min(first + t, count - 1));
    float totals[tile] = {};
    using Streams = StreamSums<typename Shape::Format, In, Shape::width, tile>;
    Streams::add(weights + uint64_t(firstGroup + group) * Shape::rowGroupBytes,
                 row, stream, inputs, firstInput, totals);
#pragma unroll
    for (unsigned t = 0; t < tile; ++t)
      work.partial.put((stream * tile + t) * kRowGroup + row, totals[t]);
    foldStreams<tile, Streams::count>(group);
  }

  /// The sums of a group's first `streams`, in turn.
  template <unsigned tile, unsigned streams>
  void foldStreams(unsigned group) const {
    syncBlock();
    for (unsigned i = threadIndex(); i < tile * kRowGroup; i += kGemmThreads) {
      float sum = work.partial.get(i);
      for (unsigned other = 1; other < streams; ++other)
        sum += work.partial.get(other * tile * kRowGroup + i);
      work.sums.put(
          i / kRowGroup * itemRows + group * kRowGroup + i % kRowGroup, sum);
    }
    syncBlock();
  }

  /// Output column `column` of the item, for one token.
  float value(unsigned t, unsigned column, unsigned first) const {
    float values[segments];
    for (unsigned s = 0; s < segments; ++s) {
      const unsigned place =
          (column / kRowGroup * segments + s) * kRowGroup + column % kRowGroup;
      values[s] = work.sums.get(t * sumStride + place);
      if constexpr (Shape::bias)
        values[s] += load(biases[s] + first + column);
    }
    return Shape::apply(values);
  }

  template <unsigned tile> void write(unsigned token, unsigned count) const {
    const unsigned first = firstGroup * kRowGroup / segments;
    const unsigned width = groupCount * kRowGroup / segments;
    const unsigned blocks = (width + 31) / 32;
    for (unsigned i = warpIndex(); i < tile * blocks; i += kGemmWarps) {
      const unsigned t = i / blocks, block = i % blocks;
      if (token + t >= count)
        continue;
      const unsigned column = block * 32 + laneIndex();
      const bool inside = column < width && first + column < outputColumns;
      const float x = inside ? value(t, column, first) : 0.0f;
      char *row = rows.output(token + t);
      if constexpr (Out::q8)
        writeBlock<Out>(row, (firstOutput + first) / 32 + block, x);
      else if (inside)
        storeAt<float>(row, 4 * (firstOutput + first + column), x);
    }
    if (Out::q8 && firstOutput + first + width == Out::width)
      for (unsigned t = 0; t < tile && token + t < count; ++t)
        writePadding<Out>(rows.output(token + t), kGemmWarps);
  }

  /// Rows `first` ... of `count`, `tile` of them at most.
  template <unsigned tile> void runTile(unsigned first, unsigned count) const {
    for (unsigned group = 0; group < groupCount; ++group)
      sumGroup<tile>(group, first, count);
    write<tile>(first, count);
    syncBlock();
  }

  void run(unsigned count) const {
    for (unsigned first = 0; first < count; first += Shape::tile)
      runTile<Shape::tile>(first, count);
  }
};

/// Item `part` of those that the rows of a matrix are divided into.
template <typename Item, typename Shape>
inline Item gemmItem(typename Item::Work &work, void *const *operands,
                     unsigned part) {
  const unsigned firstGroup = part * Shape::rowGroups;
  Item item = {work,
               {static_cast<const char *>(operands[0]),
                static_cast<char *>(operands[Shape::bias ? 3 : 2])},
               static_cast<const char *>(operands[1]),
               firstGroup,
               min(Shape::rowGroups, Item::groups - firstGroup)};
  if constexpr (Shape::bias)
    for (unsigned s = 0; s < Shape::segments; ++s)
      item.biases[s] =
          static_cast<const float *>(operands[2]) + s * Item::outputColumns;
  return item;
}

template <typename Shape>
inline void gemm(void *const *operands, const Batch &batch) {
  using Rows = DirectRows<typename Shape::In, typename Shape::Out>;
  using Item = GemmItem<Shape, Rows>;
  __shared__ typename Item::Work work;
  const auto item =
      gemmItem<Item, Shape>(work, operands, unsigned(itemIndex()));
  const unsigned count =
      Shape::outputs ? load(&batch.outputRows) : load(&batch.tokens);
  if (count == 1)
    item.template runTile<1>(0, count);
  else
    item.run(count);
}

} // namespace sinter::cuda
