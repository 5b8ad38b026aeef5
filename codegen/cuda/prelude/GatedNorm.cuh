// RMS norms of groups of columns with a gate, as they stand behind scans: a
// block for each group of a row.
namespace sinter::cuda {

constexpr unsigned kGatedNormThreads = 128;

/// `Shape` lists In, Out, group, epsilon(), gateStride (0: no gate), gateFirst
/// and wide.
template <typename Shape>
inline void gatedNorm(void *const *operands, const Batch &) {
  __shared__ WarpSums space;
  using In = typename Shape::In;
  using Out = typename Shape::Out;
  constexpr unsigned group = Shape::group, groups = In::width / group;
  constexpr bool gated = Shape::gateStride != 0;
  const int64_t token = itemIndex() / groups;
  const unsigned first = unsigned(itemIndex() % groups) * group;
  const auto *row = reinterpret_cast<const float *>(
                        In::at(static_cast<const char *>(operands[0]), token)) +
                    first;
  const auto *gate = static_cast<const float *>(operands[gated ? 1 : 0]) +
                     token * Shape::gateStride + first;
  const auto *weight = static_cast<const float *>(operands[1 + gated]) +
                       (Shape::wide ? first : 0);
  char *output = Out::at(operands[2 + gated], token);
  auto silu = [&](unsigned i) {
    const float x = load(gate + i);
    return x / (1.0f + expf(-x));
  };
  auto value = [&](unsigned i) {
    const float x = load(row + i);
    return gated && Shape::gateFirst ? x * silu(i) : x;
  };
  float sum = 0;
  for (unsigned i = threadIndex(); i < group; i += kGatedNormThreads) {
    const float x = value(i);
    sum = fmaf(x, x, sum);
  }
  sum = blockSum<kGatedNormThreads>(sum, space);
  const float inverse = 1.0f / sqrtf(sum / float(group) + Shape::epsilon());
  for (unsigned block = warpIndex(); block < (group + 31) / 32;
       block += kGatedNormThreads / kWarp) {
    const unsigned i = block * 32 + laneIndex();
    float x = 0;
    if (i < group) {
      x = value(i) * inverse * load(weight + i);
      if constexpr (gated && !Shape::gateFirst)
        x *= silu(i);
    }
    if constexpr (Out::q8)
      writeBlock<Out>(output, first / 32 + block, x);
    else if (i < group)
      storeAt<float>(output, 4 * (first + i), x);
  }
  if (first + group == In::width)
    writePadding<Out>(output, kGatedNormThreads / kWarp);
}

} // namespace sinter::cuda
