// Rows of a packed matrix, dequantised: a block for each token.
namespace sinter::cuda {

constexpr unsigned kEmbedThreads = 128;

/// Weight `column` of a row, exactly as the format defines it.
template <typename F> struct OneWeight {
  static float of(const char *group, unsigned row, unsigned column) {
    const auto unit = Unit<F>::at(group, row, column / kUnit);
    const unsigned inUnit = column % kUnit;
    const unsigned place = F::group < kUnit ? inUnit / F::group : 0;
    const uint32_t quad = unit.quad(inUnit / 4);
    const int code = int(quad >> 8 * (inUnit % 4) & 0xff) - int(F::codeOffset);
    float scale = unit.scale(place);
    if constexpr (F::superScale >= 0)
      scale = unit.superScale() * scale;
    scale *= tensorScale<F>(group, row);
    float value = float(code) * scale;
    if constexpr (F::min != Min::None)
      value += unit.superMin() * unit.min(place);
    return value;
  }
};
template <PlainType type> struct OneWeight<PlainFormat<type>> {
  static float of(const char *group, unsigned row, unsigned column) {
    return plainWeight<type>(group, row, column);
  }
};

enum class RowBy { Token, Position, First };

/// `Shape` lists Format, Out, rowGroupBytes and by.
template <typename Shape>
inline void embed(void *const *operands, const Batch &batch) {
  using Out = typename Shape::Out;
  int64_t id = 0;
  if constexpr (Shape::by == RowBy::Token)
    id = load(load(&batch.tokenIds) + itemIndex());
  else if constexpr (Shape::by == RowBy::Position)
    id = load(load(&batch.positions) + itemIndex());
  const char *group = static_cast<const char *>(operands[0]) +
                      id / kRowGroup * Shape::rowGroupBytes;
  char *output = Out::at(operands[1], itemIndex());
  for (unsigned column = threadIndex(); column < Out::width;
       column += kEmbedThreads)
    storeAt<float>(
        output, 4 * column,
        OneWeight<typename Shape::Format>::of(group, id % kRowGroup, column));
}

} // namespace sinter::cuda
