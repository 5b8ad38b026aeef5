// Where a head's keys and values lie in the pages of a KV cache (PlanState in
// runtime/ArtifactFormat.h), for the kernels that write and read them.
namespace sinter::cuda {

constexpr unsigned kKeyBlock = 16; ///< tokens whose keys are interleaved

/// float16 elements as they are stored.
struct Half {
  uint16_t bits;
};
/// Signed bytes, 32 columns of a token having one scale.
struct Q8 {
  int8_t code;
};
/// A sign, four bits of exponent, three of mantissa.
struct E4m3 {
  uint8_t bits;
};

inline float toFloat(Half value) { return halfToFloat(value.bits); }
inline float toFloat(float value) { return value; }
inline float toFloat(Q8 value) { return float(value.code); }
/// As a half with the same fields its exponent begins 8 lower.
inline float toFloat(E4m3 value) {
  const unsigned sign = value.bits & 0x80u, rest = value.bits & 0x7fu;
  return halfToFloat(uint16_t(sign << 8 | rest << 7)) * 256.0f;
}
inline void fromFloat(float value, Half &into) {
  into.bits = floatToHalf(value);
}
inline void fromFloat(float value, float &into) { into = value; }
/// The nearest, ties to even; 448 if it is more.
inline void fromFloat(float value, E4m3 &into) {
  const float most = fminf(fabsf(value), 448.0f);
  const uint32_t bits = bitsOfFloat(most);
  uint32_t code = ((bits + (bits >> 20 & 1) + 0x7ffffu) >> 20) - (120u << 3);
  if (most < 0.015625f) // 2^-6: below are multiples of 2^-9
    code = uint32_t(rintf(most * 512.0f));
  into.bits = uint8_t(code | (bitsOfFloat(value) >> 24 & 0x80u));
}

template <typename T> inline void storeElement(T *to, float value) {
  T element;
  fromFloat(value, element);
  store(to, element);
}

template <typename A, typename B> constexpr bool isSame = false;
template <typename A> constexpr bool isSame<A, A> = true;

/// The cache of one layer; `Shape` lists Element, cacheHeads, keyWidth,
/// valueWidth, pageTokens and ring.
template <typename Shape> struct Cache {
  using Element = typename Shape::Element;
  static constexpr bool scaled = isSame<Element, Q8>;
  /// Four columns of a key and four tokens' values in a word.
  static constexpr bool bytes = sizeof(Element) == 1;
  static constexpr unsigned size = sizeof(Element);
  static constexpr int64_t headKeys =
      int64_t(Shape::keyWidth) * Shape::pageTokens * size;
  static constexpr int64_t headValues =
      int64_t(Shape::valueWidth) * Shape::pageTokens * size;
  static constexpr int64_t pageElements =
      (headKeys + headValues) * Shape::cacheHeads;
  /// Two bytes of scale behind each 32.
  static constexpr int64_t pageBytes =
      scaled ? pageElements / 16 * 17 : pageElements;

  const void *operand;
  const Batch &batch;

  /// Where a sequence's pages are, in few registers.
  struct Pages {
    const int32_t *numbers;
    char *pool;
    int count; ///< of a ring

    /// The page that has `position`.
    char *at(int position) const {
      const int block = position / int(Shape::pageTokens);
      return pool +
             load(numbers + (Shape::ring ? block % count : block)) * pageBytes;
    }
  };
  Pages pagesOf(int64_t slot) const {
    if constexpr (Shape::ring) {
      const auto *ring = static_cast<const CacheRing *>(operand);
      const int64_t blocks = load(&ring->blocks);
      return {load(&ring->pages) + slot * blocks,
              static_cast<char *>(load(&ring->pool)), int(blocks)};
    } else {
      return {load(&batch.blockTable) + slot * load(&batch.blockStride),
              static_cast<char *>(const_cast<void *>(operand)), 0};
    }
  }
  /// The page of sequence `slot` that has `position`.
  char *page(int64_t slot, int64_t position) const {
    return pagesOf(slot).at(int(position));
  }

  /// Keys and values of a head, from where their first token's are.
  static char *keys(char *page, unsigned head) {
    return page + head * headKeys;
  }
  static char *values(char *page, unsigned head) {
    return page + Shape::cacheHeads * headKeys + head * headValues;
  }
  /// Their scales, which lie behind all of them.
  static uint16_t *keyScales(char *page, unsigned head) {
    return reinterpret_cast<uint16_t *>(page + pageElements +
                                        head * (headKeys / 16));
  }
  static uint16_t *valueScales(char *page, unsigned head) {
    return reinterpret_cast<uint16_t *>(page + pageElements +
                                        Shape::cacheHeads * (headKeys / 16) +
                                        head * (headValues / 16));
  }

  static Element *key(char *page, unsigned head, unsigned inPage,
                      unsigned column) {
    const unsigned block = inPage / kKeyBlock * (Shape::keyWidth * kKeyBlock);
    const unsigned own = inPage % kKeyBlock;
    return reinterpret_cast<Element *>(keys(page, head)) + block +
           (bytes ? column / 4 * (4 * kKeyBlock) + own * 4 + column % 4
                  : column * kKeyBlock + own);
  }
  static Element *value(char *page, unsigned head, unsigned inPage,
                        unsigned column) {
    return reinterpret_cast<Element *>(values(page, head)) +
           (bytes ? (inPage / 4 * Shape::valueWidth + column) * 4 + inPage % 4
                  : inPage * Shape::valueWidth + column);
  }
  /// Which of a head's scales is a column's of a token.
  static unsigned scaleOf(unsigned inPage, unsigned column) {
    return column / 32 * Shape::pageTokens + inPage;
  }

  static float loadKey(char *page, unsigned head, unsigned inPage,
                       unsigned column) {
    const float number = toFloat(load(key(page, head, inPage, column)));
    if constexpr (scaled)
      return number *
             halfToFloat(load(keyScales(page, head) + scaleOf(inPage, column)));
    return number;
  }
  static float loadValue(char *page, unsigned head, unsigned inPage,
                         unsigned column) {
    const float number = toFloat(load(value(page, head, inPage, column)));
    if constexpr (scaled)
      return number * halfToFloat(load(valueScales(page, head) +
                                       scaleOf(inPage, column)));
    return number;
  }

  static void storeKey(char *page, unsigned head, unsigned inPage,
                       unsigned column, float number) {
    put(key(page, head, inPage, column),
        keyScales(page, head) + scaleOf(inPage, column), number);
  }
  static void storeValue(char *page, unsigned head, unsigned inPage,
                         unsigned column, float number) {
    put(value(page, head, inPage, column),
        valueScales(page, head) + scaleOf(inPage, column), number);
  }

private:
  /// Where there are scales, a warp has 32 columns that begin with a multiple
  /// of 32.
  static void put(Element *to, uint16_t *scale, float number) {
    if constexpr (scaled) {
      const float largest = warpMax(fabsf(number));
      const bool tiny = largest < 1e-30f; // its inverse would overflow
      const float inverse = tiny ? 0.0f : 127.0f / largest;
      store(to, Q8{int8_t(rintf(number * inverse))});
      if (laneIndex() == 0)
        store(scale, floatToHalf(largest * (1.0f / 127.0f)));
    } else {
      storeElement(to, number);
    }
  }
};

} // namespace sinter::cuda
