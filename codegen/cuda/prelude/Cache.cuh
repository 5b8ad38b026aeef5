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

  /// Where a sequence's pages are, in few registers.
  struct Pages {
    const int32_t *numbers;
    Element *pool;
    int count; ///< of a ring

    /// The page that has `position`.
    Element *at(int position) const {
      const int block = position / int(Shape::pageTokens);
      return pool + load(numbers + (Shape::ring ? block % count : block)) *
                        pageElements;
    }
  };
  Pages pagesOf(int64_t slot) const {
    if constexpr (Shape::ring) {
      const auto *ring = static_cast<const CacheRing *>(operand);
      const int64_t blocks = load(&ring->blocks);
      return {load(&ring->pages) + slot * blocks,
              static_cast<Element *>(load(&ring->pool)), int(blocks)};
    } else {
      return {load(&batch.blockTable) + slot * load(&batch.blockStride),
              static_cast<Element *>(const_cast<void *>(operand)), 0};
    }
  }
  /// The page of sequence `slot` that has `position`.
  Element *page(int64_t slot, int64_t position) const {
    return pagesOf(slot).at(int(position));
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
