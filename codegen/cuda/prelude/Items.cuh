// Which blocks have work: a launch that is replayed for a smaller step than it
// was captured for has blocks beyond the step's rows, which touch nothing.
namespace sinter::cuda {

/// Whether the step has this block's item: of `count` for every `tile` of its
/// tokens, or rows of logits.
template <ItemDimension dimension, unsigned count, unsigned tile>
inline bool hasItem(const Batch &batch) {
  if constexpr (dimension == ItemDimension::One)
    return true;
  const unsigned rows = dimension == ItemDimension::Tokens
                            ? load(&batch.tokens)
                            : load(&batch.outputRows);
  return unsigned(itemIndex()) < (rows + tile - 1) / tile * count;
}

/// A kernel of the step's items.
template <auto kernel, ItemDimension dimension, unsigned count, unsigned tile>
inline void ofItems(void *const *operands, const Batch &batch) {
  if (hasItem<dimension, count, tile>(batch))
    kernel(operands, batch);
}

} // namespace sinter::cuda
