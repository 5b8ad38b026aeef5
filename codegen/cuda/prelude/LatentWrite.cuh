// The write of rows of two parts into the cache of latent rows: a block for
// each token.
namespace sinter::cuda {

constexpr unsigned kLatentWriteThreads = 128;

/// `Shape` lists Cache's (one head, no values), rank, rotary, latentStride and
/// rotatedStride.
template <typename Shape>
inline void latentWrite(void *const *operands, const Batch &batch) {
  const int64_t token = itemIndex();
  const auto *latent =
      static_cast<const float *>(operands[0]) + token * Shape::latentStride;
  const auto *rotated =
      static_cast<const float *>(operands[1]) + token * Shape::rotatedStride;
  const int64_t position = load(load(&batch.positions) + token);
  const int64_t slot = load(load(&batch.slots) + token);
  auto *row = reinterpret_cast<typename Shape::Element *>(
                  Cache<Shape>{operands[2], batch}.page(slot, position)) +
              position % Shape::pageTokens * Shape::keyWidth;
  for (unsigned i = threadIndex(); i < Shape::keyWidth;
       i += kLatentWriteThreads)
    storeElement(row + i, i < Shape::rank ? load(latent + i)
                                          : load(rotated + (i - Shape::rank)));
}

} // namespace sinter::cuda
