// Copies of recurrent states from their slots to the row of each sequence's
// first token, or back.
namespace sinter::cuda {

constexpr unsigned kStateCopyThreads = 256;
constexpr unsigned kCopyElements = 4096; ///< of a block

/// `Shape` lists elements and storing.
template <typename Shape>
inline void stateCopy(void *const *operands, const Batch &batch) {
  const auto *from = static_cast<const float *>(operands[0]);
  auto *to = static_cast<float *>(operands[1]);
  const unsigned begin = unsigned(itemIndex()) * kCopyElements;
  const unsigned end = min(begin + kCopyElements, Shape::elements);
  const int32_t *slots = load(&batch.slots);
  const unsigned tokens = load(&batch.tokens);
  for (unsigned token = 0; token < tokens; ++token) {
    const int32_t slot = load(slots + token);
    if (token && load(slots + token - 1) == slot)
      continue;
    const int64_t inPool = int64_t(slot) * Shape::elements;
    const int64_t inRows = int64_t(token) * Shape::elements;
    const int64_t source = Shape::storing ? inRows : inPool;
    const int64_t target = Shape::storing ? inPool : inRows;
    // Nothing came before a sequence's first token.
    const bool empty =
        !Shape::storing && load(load(&batch.positions) + token) == 0;
    for (unsigned i = begin + threadIndex(); i < end; i += kStateCopyThreads)
      store(to + target + i, empty ? 0.0f : load(from + source + i));
  }
}

} // namespace sinter::cuda
