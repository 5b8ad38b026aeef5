// gemv and gemm of MXFP4 and NVFP4 on matrix units that multiply 4-bit floats
// under block scales (sm_120a, sm_121a), with activations of that kind
// (Floats4.cuh): nothing is decoded, codes and scales go into the units as they
// lie in memory. The warps of a block divide k among them, so that each byte is
// read once by a block; the order of sums is that of their numbers, whatever
// the tile. A product is 64 columns wide: two units.
namespace sinter::cuda {

/// How the products of a row of `width` weights are divided among warps.
template <unsigned width> struct WarpRuns {
  static constexpr unsigned units = (width + kUnit - 1) / kUnit;
  static constexpr unsigned steps = (units + 1) / 2;
  static constexpr unsigned each = (steps + kGemmWarps - 1) / kGemmWarps;
  static constexpr unsigned count = (steps + each - 1) / each;
};

/// What a lane puts into the units for one product; the scales count in lanes 0
/// and 1 (of a: rows g and g + 8) and in lane 0 (of b) of each four.
struct Float4Weights {
  uint32_t codes[4], scales;
};
struct Float4Inputs {
  uint32_t codes[2], scales;
};

/// Word `line` of a unit: in byte i, codes 4 * line + i and 16 more.
template <typename F>
inline uint32_t float4Word(const Unit<F> &unit, unsigned line) {
  return loadWeights(
      reinterpret_cast<const uint32_t *>(unit.codes + 64 * line) + unit.row);
}

/// The byte that scales group `group` of a unit.
template <typename F>
inline uint32_t float4Scale(const Unit<F> &unit, unsigned group) {
  const unsigned number = unit.inRecord * kUnit / F::group + group;
  const uint32_t byte = unit.template header<uint8_t>(
      F::groupScale + int(number) * F::groupStride);
  if constexpr (F::scale == Scale::E8M0)
    return byte;
  // Of UE4M3 the top bit means nothing, and all ones mean 0.
  return (byte & 0x7f) == 0x7f ? 0 : byte & 0x7f;
}

/// Groups of 32 under powers of two: a word is a register.
template <typename F, typename In, unsigned group> struct Float4Layout {
  static_assert(group == 32 && F::scale == Scale::E8M0);
  static constexpr unsigned bit = kFloats32;

  static Float4Weights weights(const char *rows, unsigned step,
                               unsigned units) {
    const unsigned lane = laneIndex();
    Float4Weights a = {};
#pragma unroll
    for (unsigned part = 0; part < 2; ++part) {
      const unsigned unit = 2 * step + part;
      if (unit >= units)
        break;
#pragma unroll
      for (unsigned half = 0; half < 2; ++half)
        a.codes[2 * part + half] = float4Word(
            Unit<F>::at(rows, lane / 4 + 8 * half, unit), lane % 4);
      const unsigned row = lane / 4 + 8 * (lane % 4 & 1);
      a.scales |= float4Scale(Unit<F>::at(rows, row, unit), 0) << 8 * part;
    }
    return a;
  }
  static Float4Inputs inputs(const char *row, unsigned step) {
    const unsigned at = In::layout.floats32 + 32 * step + 4 * (laneIndex() % 4);
    return {{loadAt<uint32_t>(row, at), loadAt<uint32_t>(row, at + 16)},
            loadAt<uint16_t>(row, In::layout.floatScales32 + 2 * step)};
  }
  static void multiply(float (&sums)[4], const Float4Weights &a,
                       const Float4Inputs &b) {
    mmaFloats4By32(sums, a.codes, b.codes, a.scales, b.scales);
  }
};

/// Groups of 16: lanes 0 and 1 of each four have the first unit, lanes 2 and 3
/// the second; of two words the lower halves make the register of the first
/// group, the upper ones that of the second.
template <typename F, typename In> struct Float4Layout<F, In, 16> {
  static_assert(F::scale == Scale::UE4M3);
  static constexpr unsigned bit = kFloats16;

  static Float4Weights weights(const char *rows, unsigned step,
                               unsigned units) {
    const unsigned lane = laneIndex(), own = 2 * step + lane % 4 / 2;
    Float4Weights a = {};
    if (own < units)
#pragma unroll
      for (unsigned half = 0; half < 2; ++half) {
        const auto unit = Unit<F>::at(rows, lane / 4 + 8 * half, own);
        const uint32_t first = float4Word(unit, lane % 2 * 2);
        const uint32_t second = float4Word(unit, lane % 2 * 2 + 1);
        a.codes[half] = (first & 0x0f0f0f0f) | (second & 0x0f0f0f0f) << 4;
        a.codes[2 + half] = (first >> 4 & 0x0f0f0f0f) | (second & 0xf0f0f0f0);
      }
    const unsigned row = lane / 4 + 8 * (lane % 4 & 1);
#pragma unroll
    for (unsigned part = 0; part < 2; ++part)
      if (2 * step + part < units) {
        const auto unit = Unit<F>::at(rows, row, 2 * step + part);
        a.scales |= float4Scale(unit, 0) << 8 * part |
                    float4Scale(unit, 1) << (16 + 8 * part);
      }
    return a;
  }
  static Float4Inputs inputs(const char *row, unsigned step) {
    const unsigned lane = laneIndex();
    const unsigned at = In::layout.floats16 + 32 * step + lane % 4 / 2 * 16 +
                        4 * (lane % 2);
    return {{loadAt<uint32_t>(row, at), loadAt<uint32_t>(row, at + 8)},
            loadAt<uint32_t>(row, In::layout.floatScales16 + 4 * step)};
  }
  static void multiply(float (&sums)[4], const Float4Weights &a,
                       const Float4Inputs &b) {
    mmaFloats4By16(sums, a.codes, b.codes, a.scales, b.scales);
  }
};

/// Sums of a tile [token][row], and of eight tokens those of each warp
/// [warp][token][row].
template <typename Shape> struct Float4Work {
  static constexpr unsigned rows = Shape::rowGroups * kRowGroup;
  SharedArray<float, Shape::tile * rows> sums;
  SharedArray<float, kGemmWarps * 8 * rows> partial;
};

template <typename Shape, typename Rows>
struct Float4Item : GemmItem<Shape, Rows, Float4Work<Shape>> {
  using Base = GemmItem<Shape, Rows, Float4Work<Shape>>;
  using Base::work;
  using F = typename Shape::Format;
  using Layout = Float4Layout<F, typename Shape::In, F::group>;
  using Run = WarpRuns<Shape::width>;
  static constexpr unsigned columns = Shape::tile / 8; ///< of eight tokens
  static constexpr unsigned rows16 = Shape::rowGroups;
  static_assert((Shape::In::sums & Layout::bit) != 0,
                "rows have no 4-bit floats");
  using Totals = float[rows16][columns][4];

  /// Groups behind the last are the last again.
  const char *group(unsigned number) const {
    return this->weights +
           uint64_t(this->firstGroup + min(number, this->groupCount - 1)) *
               Shape::rowGroupBytes;
  }

  void addStep(const char *const (&inputs)[columns], unsigned step,
               Totals &totals) const {
    Float4Inputs b[columns];
#pragma unroll
    for (unsigned n = 0; n < columns; ++n)
      b[n] = Layout::inputs(inputs[n], step);
#pragma unroll
    for (unsigned i = 0; i < rows16; ++i) {
      const Float4Weights a = Layout::weights(group(i), step, Run::units);
#pragma unroll
      for (unsigned n = 0; n < columns; ++n)
        Layout::multiply(totals[i][n], a, b[n]);
    }
  }

  /// The warps' sums of tokens 8 * n ..., one after the other.
  void joinWarps(unsigned n, const Totals &totals) const {
    constexpr unsigned count = 8 * Base::itemRows;
    const unsigned lane = laneIndex();
#pragma unroll
    for (unsigned i = 0; i < rows16; ++i)
#pragma unroll
      for (unsigned c = 0; c < 4; ++c) {
        const unsigned row = lane / 4 + c / 2 * 8, token = lane % 4 * 2 + c % 2;
        work.partial.put(warpIndex() * count + token * Base::itemRows +
                             i * kRowGroup + row,
                         totals[i][n][c]);
      }
    syncBlock();
    for (unsigned at = threadIndex(); at < count; at += kGemmThreads) {
      float sum = work.partial.get(at);
      for (unsigned warp = 1; warp < Run::count; ++warp)
        sum += work.partial.get(warp * count + at);
      const unsigned row = at % Base::itemRows;
      sum *= tensorScale<F>(group(row / kRowGroup), row % kRowGroup);
      work.sums.put(8 * n * Base::itemRows + at, sum);
    }
    syncBlock();
  }

  /// One tile of tokens: `token` ... of `tokens`. Those behind the last are the
  /// last again.
  void runUnits(unsigned token, unsigned tokens) const {
    const char *inputs[columns];
#pragma unroll
    for (unsigned n = 0; n < columns; ++n)
      inputs[n] =
          this->rows.input(min(token + 8 * n + laneIndex() / 4, tokens - 1));
    Totals totals = {};
    const unsigned begin = warpIndex() * Run::each;
    const unsigned end = min(begin + Run::each, Run::steps);
#pragma unroll(columns == 1 ? 4 : 1)
    for (unsigned step = begin; step < end; ++step)
      addStep(inputs, step, totals);
#pragma unroll
    for (unsigned n = 0; n < columns; ++n)
      joinWarps(n, totals);
    this->template write<Shape::tile>(token, tokens);
  }
};

template <typename Shape>
inline void float4Gemm(void *const *operands, const Batch &batch) {
  using Rows = DirectRows<typename Shape::In, typename Shape::Out>;
  using Item = Float4Item<Shape, Rows>;
  __shared__ typename Item::Work work;
  const unsigned tokens =
      Shape::outputs ? load(&batch.outputRows) : load(&batch.tokens);
  const unsigned tiles = (tokens + Shape::tile - 1) / Shape::tile;
  const auto index = unsigned(itemIndex());
  gemmItem<Item, Shape>(work, operands, index / tiles)
      .runUnits(index % tiles * Shape::tile, tokens);
}

} // namespace sinter::cuda
