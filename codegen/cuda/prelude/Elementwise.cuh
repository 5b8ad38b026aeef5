// A body over corresponding elements of rows: a block for each run of columns.
namespace sinter::cuda {

constexpr unsigned kElementwiseThreads = 128;

/// `Shape` lists Out, inputs, stride(input), columns, gather and apply().
template <typename Shape>
inline void elementwise(void *const *operands, const Batch &batch) {
  using Out = typename Shape::Out;
  constexpr unsigned columns = Shape::columns;
  constexpr unsigned chunks = (Out::width + columns - 1) / columns;
  constexpr unsigned warps = kElementwiseThreads / kWarp;
  const int64_t row = itemIndex() / chunks;
  const unsigned from = unsigned(itemIndex() % chunks) * columns;
  const unsigned to = min(from + columns, Out::width);
  const int64_t source = Shape::gather ? load(load(&batch.outputs) + row) : row;
  char *output = Out::at(operands[Shape::inputs], row);
  for (unsigned first = from + 32 * warpIndex(); first < to;
       first += 32 * warps) {
    const unsigned column = first + laneIndex();
    float x = 0;
    if (column < to) {
      float values[Shape::inputs];
      for (unsigned i = 0; i < Shape::inputs; ++i)
        values[i] =
            load(static_cast<const float *>(operands[i]) +
                 source * Shape::stride(i) + (Shape::stride(i) ? column : 0));
      x = Shape::apply(values);
    }
    if constexpr (Out::q8)
      writeBlock<Out>(output, first / 32, x);
    else if (column < to)
      storeAt<float>(output, 4 * column, x);
  }
  if (Out::q8 && to == Out::width)
    writePadding<Out>(output, warps);
}

} // namespace sinter::cuda
