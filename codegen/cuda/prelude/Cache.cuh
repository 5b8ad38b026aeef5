// Where a head's keys and values lie in the pages of a KV cache (PlanState in
// runtime/ArtifactFormat.h), for the kernels that write and read them.
namespace sinter::cuda {

constexpr unsigned kKeyBlock = 16; ///< tokens whose keys are interleaved

/// float16 elements as they are stored.
struct Half {
  uint16_t bits;
};
inline float toFloat(Half value) { return halfToFloat(value.bits); }
inline float toFloat(float value) { return value; }
inline void fromFloat(float value, Half &into) {
  into.bits = floatToHalf(value);
}
inline void fromFloat(float value, float &into) { into = value; }

template <typename T> inline void storeElement(T *to, float value) {
  T element;
  fromFloat(value, element);
  store(to, element);
}

/// The cache of one layer; `Shape` lists Element, cacheHeads, keyWidth,
/// valueWidth, pageTokens and ring.
template <typename Shape> struct Cache {
  using Element = typename Shape::Element;
  static constexpr int64_t headKeys =
      int64_t(Shape::keyWidth) * Shape::pageTokens;
  static constexpr int64_t headValues =
      int64_t(Shape::valueWidth) * Shape::pageTokens;
  static constexpr int64_t pageElements =
      (headKeys + headValues) * Shape::cacheHeads;

  const void *operand;
  const Batch &batch;

  /// The page of sequence `slot` that has `position`.
  Element *page(int64_t slot, int64_t position) const {
    const int64_t block = position / Shape::pageTokens;
    if constexpr (Shape::ring) {
      const auto *ring = static_cast<const CacheRing *>(operand);
      const int64_t blocks = load(&ring->blocks);
      const int64_t number =
          load(load(&ring->pages) + slot * blocks + block % blocks);
      return static_cast<Element *>(load(&ring->pool)) + number * pageElements;
    } else {
      const int64_t number = load(load(&batch.blockTable) +
                                  slot * load(&batch.blockStride) + block);
      return static_cast<Element *>(const_cast<void *>(operand)) +
             number * pageElements;
    }
  }
  /// Column 0 of a key; columns are kKeyBlock elements apart.
  static Element *key(Element *page, unsigned head, unsigned inPage) {
    return page + head * headKeys +
           inPage / kKeyBlock * (Shape::keyWidth * kKeyBlock) +
           inPage % kKeyBlock;
  }
  /// Column 0 of a value; columns are side by side.
  static Element *value(Element *page, unsigned head, unsigned inPage) {
    return page + Shape::cacheHeads * headKeys + head * headValues +
           inPage * Shape::valueWidth;
  }
};

} // namespace sinter::cuda
