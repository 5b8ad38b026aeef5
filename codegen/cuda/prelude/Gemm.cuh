// gemv and gemm: the rows of a step times packed weights. A block takes the row
// groups of one item; its eight half-warps divide the units of k among them, a
// lane having one row. How they divide it depends on nothing, so neither does
// the order of sums.
namespace sinter::cuda {

constexpr unsigned kGemmThreads = 128;
constexpr unsigned kGemmWarps = kGemmThreads / kWarp;
constexpr unsigned kStreams = 2 * kGemmWarps;

/// One unit of a row times unit `unit` of one token's activations, added to
/// `total`.
template <typename F, typename In>
inline float addUnit(const Unit<F> &weights, const uint32_t (&codes)[kQuads],
                     const char *input, unsigned unit, float total) {
  constexpr unsigned groups = F::group < kUnit ? kUnit / F::group : 1;
  constexpr unsigned quads = kQuads / groups;
  constexpr Q8Layout layout = In::layout;
  float sum = 0, mins = 0;
#pragma unroll
  for (unsigned g = 0; g < groups; ++g) {
    int dot = 0;
    if constexpr (F::codeOffset != 0) {
      constexpr unsigned sums = groups == 1 ? layout.codes32 : layout.codes16;
      dot = loadAt<int>(input, sums + 4 * (unit * groups + g)) *
            int(F::codeOffset >> sumShift(In::sums));
    }
#pragma unroll
    for (unsigned q = 0; q < quads; ++q)
      dot = dotBytes(codes[g * quads + q],
                     loadAt<int32_t>(input, unit * kUnit + 4 * (g * quads + q)),
                     dot);
    sum = fmaf(float(dot), weights.scale(g), sum);
    if constexpr (F::min != Min::None) {
      constexpr unsigned at = groups == 1 ? layout.mins32 : layout.mins16;
      mins = fmaf(weights.min(g),
                  loadAt<float>(input, at + 4 * (unit * groups + g)), mins);
    }
  }
  const float scale = loadAt<float>(input, layout.scales + 4 * unit);
  total = fmaf(sum * weights.superScale(), scale, total);
  if constexpr (F::min != Min::None)
    total = fmaf(mins, weights.superMin(), total);
  return total;
}

/// The sums of a stream over `width` columns, which begin at `from` of each
/// input row: `F` is a block format.
template <typename F, typename In, unsigned width, unsigned tile>
struct StreamSums {
  static void add(const char *group, unsigned row, unsigned stream,
                  const char *const (&inputs)[tile], unsigned from,
                  float (&totals)[tile]) {
    constexpr unsigned units = (width + kUnit - 1) / kUnit;
    for (unsigned unit = stream; unit < units; unit += kStreams) {
      const auto weights = Unit<F>::at(group, row, unit);
      uint32_t codes[kQuads];
#pragma unroll
      for (unsigned q = 0; q < kQuads; ++q)
        codes[q] = weights.quad(q);
#pragma unroll
      for (unsigned t = 0; t < tile; ++t)
        totals[t] = addUnit<F, In>(weights, codes, inputs[t],
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

/// Row groups of a matrix times rows. `Shape` lists width, weightRows,
/// rowGroups, rowGroupBytes, segments, bias, tile (tokens at a time), the types
/// Format, In and Out, and apply(), the hole's body over a value of each
/// segment. `Rows` finds input and output rows by their number.
template <typename Shape, typename Rows> struct GemmItem {
  using In = typename Shape::In;
  using Out = typename Shape::Out;
  static constexpr unsigned segments = Shape::segments;
  static constexpr unsigned itemRows = Shape::rowGroups * kRowGroup;
  static constexpr unsigned groups =
      (Shape::weightRows + kRowGroup - 1) / kRowGroup;
  static constexpr unsigned columns = Shape::weightRows / segments;

  struct Work {
    /// Of a token tile: [warp][token][row], then [token][row of the item].
    SharedArray<float, kGemmWarps * Shape::tile * kRowGroup> partial;
    SharedArray<float, Shape::tile * itemRows> sums;
  };

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
    StreamSums<typename Shape::Format, In, Shape::width, tile>::add(
        weights + uint64_t(firstGroup + group) * Shape::rowGroupBytes, row,
        stream, inputs, firstInput, totals);
#pragma unroll
    for (unsigned t = 0; t < tile; ++t) {
      const float both = totals[t] + shuffleXor(totals[t], kRowGroup);
      if (laneIndex() < kRowGroup)
        work.partial.put((warpIndex() * tile + t) * kRowGroup + row, both);
    }
    syncBlock();
    for (unsigned i = threadIndex(); i < tile * kRowGroup; i += kGemmThreads) {
      float sum = 0;
      for (unsigned warp = 0; warp < kGemmWarps; ++warp)
        sum += work.partial.get(warp * tile * kRowGroup + i);
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
      values[s] = work.sums.get(t * itemRows + place);
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
      const bool inside = column < width && first + column < columns;
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

template <typename Shape>
inline void gemm(void *const *operands, const Batch &batch) {
  using Rows = DirectRows<typename Shape::In, typename Shape::Out>;
  using Item = GemmItem<Shape, Rows>;
  __shared__ typename Item::Work work;
  const unsigned firstGroup = unsigned(itemIndex()) * Shape::rowGroups;
  Item item = {work,
               {static_cast<const char *>(operands[0]),
                static_cast<char *>(operands[Shape::bias ? 3 : 2])},
               static_cast<const char *>(operands[1]),
               firstGroup,
               min(Shape::rowGroups, Item::groups - firstGroup)};
  if constexpr (Shape::bias)
    for (unsigned s = 0; s < Shape::segments; ++s)
      item.biases[s] =
          static_cast<const float *>(operands[2]) + s * Item::columns;
  item.run(Shape::outputs ? load(&batch.outputRows) : load(&batch.tokens));
}

} // namespace sinter::cuda
