// gemv and gemm: the rows of a step times packed weights. A block takes the row
// groups of one item; its eight half-warps divide the units of k among them, a
// lane having one row. How they divide it depends on nothing, so neither does
// the order of sums.
namespace sinter::cuda {

constexpr unsigned kGemmThreads = 128;
constexpr unsigned kGemmWarps = kGemmThreads / kWarp;
constexpr unsigned kStreams = 2 * kGemmWarps;

/// One unit of a row times one token's activations, added to `total`.
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

/// What is left to the sums of a stream: `F` is a block format.
template <typename F, typename In, unsigned tile> struct StreamSums {
  static void add(const char *group, unsigned row, unsigned stream,
                  const char *const (&inputs)[tile], float (&totals)[tile]) {
    constexpr unsigned units = (In::width + F::recordWeights - 1) /
                               F::recordWeights * (F::recordWeights / kUnit);
    for (unsigned unit = stream; unit < units; unit += kStreams) {
      const auto weights = Unit<F>::at(group, row, unit);
      uint32_t codes[kQuads];
#pragma unroll
      for (unsigned q = 0; q < kQuads; ++q)
        codes[q] = weights.quad(q);
#pragma unroll
      for (unsigned t = 0; t < tile; ++t)
        totals[t] = addUnit<F, In>(weights, codes, inputs[t], unit, totals[t]);
    }
    const float scale = tensorScale<F>(group, row);
    for (unsigned t = 0; t < tile; ++t)
      totals[t] *= scale;
  }
};

/// Plain weights: float32 products, eight k of a row at a time.
template <PlainType type> struct PlainFormat {};
template <PlainType type, typename In, unsigned tile>
struct StreamSums<PlainFormat<type>, In, tile> {
  static void add(const char *group, unsigned row, unsigned stream,
                  const char *const (&inputs)[tile], float (&totals)[tile]) {
    for (unsigned column = stream; column < In::width; column += kStreams) {
      const float weight = plainWeight<type>(group, row, column);
#pragma unroll
      for (unsigned t = 0; t < tile; ++t)
        totals[t] =
            fmaf(weight, loadAt<float>(inputs[t], 4 * column), totals[t]);
    }
  }
};

/// `Shape` lists weightRows, rowGroups, rowGroupBytes, segments, bias, tile
/// (tokens at a time), the types Format, In and Out, and apply(), the hole's
/// body over a value of each segment.
template <typename Shape> struct GemmItem {
  using In = typename Shape::In;
  using Out = typename Shape::Out;
  static constexpr unsigned tile = Shape::tile, segments = Shape::segments;
  static constexpr unsigned itemRows = Shape::rowGroups * kRowGroup;
  static constexpr unsigned groups =
      (Shape::weightRows + kRowGroup - 1) / kRowGroup;

  /// Sums of a token tile: [token][row of the item].
  using Sums = SharedArray<float, tile * itemRows>;
  using Partial = SharedArray<float, kGemmWarps * tile * kRowGroup>;

  const char *input, *weights;
  const float *bias;
  char *output;
  unsigned firstGroup, groupCount;

  void sumGroup(unsigned group, unsigned token, unsigned tokens,
                Partial &partial, Sums &sums) const {
    const unsigned row = laneIndex() % kRowGroup;
    const unsigned stream = threadIndex() / kRowGroup;
    const char *inputs[tile];
    for (unsigned t = 0; t < tile; ++t) // behind the last one: the last again
      inputs[t] = In::at(input, min(token + t, tokens - 1));
    float totals[tile] = {};
    StreamSums<typename Shape::Format, In, tile>::add(
        weights + uint64_t(firstGroup + group) * Shape::rowGroupBytes, row,
        stream, inputs, totals);
#pragma unroll
    for (unsigned t = 0; t < tile; ++t) {
      const float both = totals[t] + shuffleXor(totals[t], kRowGroup);
      if (laneIndex() < kRowGroup)
        partial.put((warpIndex() * tile + t) * kRowGroup + row, both);
    }
    syncBlock();
    for (unsigned i = threadIndex(); i < tile * kRowGroup; i += kGemmThreads) {
      float sum = 0;
      for (unsigned warp = 0; warp < kGemmWarps; ++warp)
        sum += partial.get(warp * tile * kRowGroup + i);
      sums.put(i / kRowGroup * itemRows + group * kRowGroup + i % kRowGroup,
               sum);
    }
    syncBlock();
  }

  /// Output column `column` of the item, for one token.
  float value(const Sums &sums, unsigned t, unsigned column,
              unsigned first) const {
    float values[segments];
    for (unsigned s = 0; s < segments; ++s) {
      const unsigned place =
          (column / kRowGroup * segments + s) * kRowGroup + column % kRowGroup;
      values[s] = sums.get(t * itemRows + place);
      if constexpr (Shape::bias)
        values[s] +=
            load(bias + s * (Shape::weightRows / segments) + first + column);
    }
    return Shape::apply(values);
  }

  void write(const Sums &sums, unsigned token, unsigned tokens) const {
    const unsigned first = firstGroup * kRowGroup / segments;
    const unsigned columns = groupCount * kRowGroup / segments;
    const unsigned blocks = (columns + 31) / 32;
    for (unsigned i = warpIndex(); i < tile * blocks; i += kGemmWarps) {
      const unsigned t = i / blocks, block = i % blocks;
      if (token + t >= tokens)
        continue;
      const unsigned column = block * 32 + laneIndex();
      const bool inside = column < columns && first + column < Out::width;
      const float x = inside ? value(sums, t, column, first) : 0.0f;
      char *row = Out::at(output, token + t);
      if constexpr (Out::q8)
        writeBlock<Out>(row, first / 32 + block, x);
      else if (inside)
        storeAt<float>(row, 4 * (first + column), x);
    }
    if (Out::q8 && first + columns == Out::width)
      for (unsigned t = 0; t < tile && token + t < tokens; ++t)
        writePadding<Out>(Out::at(output, token + t), kGemmWarps);
  }
};

template <typename Shape>
inline void gemm(void *const *operands, const Batch &batch) {
  using Item = GemmItem<Shape>;
  __shared__ typename Item::Partial partial;
  __shared__ typename Item::Sums sums;
  constexpr unsigned last = Shape::bias ? 3 : 2;
  Item item;
  item.input = static_cast<const char *>(operands[0]);
  item.weights = static_cast<const char *>(operands[1]);
  item.bias = static_cast<const float *>(operands[Shape::bias ? 2 : 0]);
  item.output = static_cast<char *>(operands[last]);
  item.firstGroup = unsigned(itemIndex()) * Shape::rowGroups;
  item.groupCount = min(Shape::rowGroups, Item::groups - item.firstGroup);
  const unsigned tokens =
      Shape::outputs ? load(&batch.outputRows) : load(&batch.tokens);
  for (unsigned token = 0; token < tokens; token += Item::tile) {
    for (unsigned group = 0; group < item.groupCount; ++group)
      item.sumGroup(group, token, tokens, partial, sums);
    item.write(sums, token, tokens);
    syncBlock();
  }
}

} // namespace sinter::cuda
