// What a lane of the matrix units holds of a page of a KV cache, as halves: two
// tiles of 16 columns of 8 keys each, or of 16 keys' values in 8 columns each
// (Mma.cuh). Which key or column is where in a tile follows from what one load
// gives: the products do not depend on it, as long as their other factor lies
// likewise.
namespace sinter::cuda {

/// Words of two neighbouring columns, of two rows: the first column's pair and
/// the second one's.
inline uint32_t firstPair(uint32_t row0, uint32_t row1) {
  return permuteBytes(row0, row1, 0x5410);
}
inline uint32_t secondPair(uint32_t row0, uint32_t row1) {
  return permuteBytes(row0, row1, 0x7632);
}

/// Signed bytes 2 * pair and 2 * pair + 1 of a word as halves: behind 0x64, as
/// unsigned ones, they are 1024 more.
inline uint32_t halvesOf(Q8, uint32_t word, unsigned pair) {
  const uint32_t biased =
      permuteBytes(word ^ 0x80808080u, 0x64646464u, pair ? 0x4342 : 0x4140);
  return addHalves(biased, 0xe480e480u); // less 1024 and 128
}
/// Likewise of E4M3; what a half with the same fields is, is 2^8 too small.
inline uint32_t halvesOf(E4m3, uint32_t word, unsigned pair) {
  const uint32_t high = permuteBytes(word, 0, pair ? 0x3424 : 0x1404);
  return timesHalves((high & 0x80008000u) | (high & 0x7f007f00u) >> 1,
                     0x5c005c00u);
}

/// The halves that a lane gives to a tile.
using Fragment = uint32_t[2];

/// A head in a page, whose keys and values are halves: tiles 0 and 1 of 16 keys
/// (or columns of values) have the even and the odd ones: then two neighbours,
/// that one load gives, belong to the same place of both.
template <typename Shape, bool bytes = Cache<Shape>::bytes>
struct CacheFragments {
  char *page;
  unsigned head;

  /// Where the lane finds register `i` of 16 columns of a query.
  static unsigned queryWord(unsigned i) { return laneIndex() % 4 + i / 2 * 4; }

  /// Which of 16 keys, in tile `tile`, the lane's sum `i` belongs to.
  static unsigned keyOf(unsigned tile, unsigned i) {
    return 2 * (laneIndex() % 4 * 2 + i % 2) + tile;
  }

  /// Columns 16 * step ... of keys 16 * block ...
  void keys(unsigned step, unsigned block, Fragment &even,
            Fragment &odd) const {
    const unsigned lane = laneIndex();
    const uint16_t *place =
        reinterpret_cast<const uint16_t *>(Cache<Shape>::keys(page, head)) +
        lane / 4 * 2 +
        (block * Shape::keyWidth + 16 * step + lane % 4 * 2) * kKeyBlock;
    uint32_t words[4]; // of rows 2j, 2j + 1, 2j + 8, 2j + 9 of the step
#pragma unroll
    for (unsigned i = 0; i < 4; ++i)
      words[i] = load(reinterpret_cast<const uint32_t *>(
          place + (i % 2 + i / 2 * 8) * kKeyBlock));
    split(words, even, odd);
  }

  /// Values of keys 16 * block ..., columns from `column` on, of the first
  /// `count` keys; others are zeros.
  void values(unsigned column, unsigned block, int count, Fragment &even,
              Fragment &odd) const {
    const auto *values =
        reinterpret_cast<const uint16_t *>(Cache<Shape>::values(page, head));
    uint32_t words[4]; // of the keys of rows 2j, 2j + 1, 2j + 8, 2j + 9
#pragma unroll
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned key = 16 * block + keyOf(i / 2, i % 2);
      words[i] = 0;
      if (int(key) < count)
        words[i] = load(reinterpret_cast<const uint32_t *>(
            values + key * Shape::valueWidth + column + laneIndex() / 4 * 2));
    }
    split(words, even, odd);
  }

private:
  static void split(const uint32_t (&words)[4], Fragment &even, Fragment &odd) {
    even[0] = firstPair(words[0], words[1]);
    even[1] = firstPair(words[2], words[3]);
    odd[0] = secondPair(words[0], words[1]);
    odd[1] = secondPair(words[2], words[3]);
  }
};

/// The same of bytes, four columns of a key or four keys' values in a word,
/// which is all that a lane gives to a tile: tiles 0 and 1 of 16 keys have the
/// first and the second two of four.
template <typename Shape> struct CacheFragments<Shape, true> {
  using Element = typename Shape::Element;
  static constexpr bool scaled = Cache<Shape>::scaled;
  static constexpr Element form = {};

  char *page;
  unsigned head;

  static unsigned queryWord(unsigned i) { return laneIndex() % 4 * 2 + i / 2; }
  static unsigned keyOf(unsigned tile, unsigned i) {
    return laneIndex() % 4 * 4 + 2 * tile + i % 2;
  }

  void keys(unsigned step, unsigned block, Fragment &first,
            Fragment &second) const {
    key(step, block, 0, first);
    key(step, block, 1, second);
  }

  void values(unsigned column, unsigned block, int count, Fragment &even,
              Fragment &odd) const {
    column += laneIndex() / 4 * 2;
    const unsigned own = 16 * block + laneIndex() % 4 * 4;
    const uint64_t words = load(reinterpret_cast<const uint64_t *>(
        Cache<Shape>::value(page, head, own, column)));
#pragma unroll
    for (unsigned pair = 0; pair < 2; ++pair) {
      even[pair] = halvesOf(form, uint32_t(words), pair);
      odd[pair] = halvesOf(form, uint32_t(words >> 32), pair);
    }
    if constexpr (scaled) {
      const uint64_t scales = load(reinterpret_cast<const uint64_t *>(
          Cache<Shape>::valueScales(page, head) +
          Cache<Shape>::scaleOf(own, column)));
#pragma unroll
      for (unsigned pair = 0; pair < 2; ++pair) {
        // Memory behind the first `count` keys may hold anything; bytes alone
        // are numbers whatever they are.
        const int left = count - int(own + 2 * pair);
        const uint32_t seen =
            (left > 0 ? 0xffffu : 0u) | (left > 1 ? 0xffff0000u : 0u);
        const uint32_t scale = uint32_t(scales >> 32 * pair) & seen;
        even[pair] = timesHalves(even[pair], scale);
        odd[pair] = timesHalves(odd[pair], scale);
      }
    }
  }

private:
  /// The key of a tile that is the lane's.
  void key(unsigned step, unsigned block, unsigned tile, Fragment &into) const {
    const unsigned row = laneIndex() / 4;
    const unsigned own = 16 * block + row / 2 * 4 + 2 * tile + row % 2;
    const unsigned column = 16 * step + laneIndex() % 4 * 4;
    const uint32_t word = load(reinterpret_cast<const uint32_t *>(
        Cache<Shape>::key(page, head, own, column)));
    into[0] = halvesOf(form, word, 0);
    into[1] = halvesOf(form, word, 1);
    if constexpr (scaled) {
      const uint32_t scale = load(Cache<Shape>::keyScales(page, head) +
                                  Cache<Shape>::scaleOf(own, column));
      into[0] = timesHalves(into[0], scale | scale << 16);
      into[1] = timesHalves(into[1], scale | scale << 16);
    }
  }
};

} // namespace sinter::cuda
