// Attention over a long context in parts: what a row sees is divided by the
// row's position alone, so that warps and blocks can share it, and the parts'
// sums are folded in turn, whoever made them.
namespace sinter::cuda {

/// Keys [begin, end) of a sequence.
struct KeyRange {
  int begin, end;
};

/// Part `number` of `parts` of the whole pages, of `keys` tokens each, from the
/// one that has position `first` to the one that has `last`; those two bound it
/// too.
template <unsigned keys, unsigned parts>
inline KeyRange partOfKeys(int first, int last, unsigned number) {
  const int firstPage = first / int(keys);
  const int pages = last / int(keys) + 1 - firstPage;
  const int each = (pages + int(parts) - 1) / int(parts);
  const int begin = (firstPage + int(number) * each) * int(keys);
  return {max(begin, first), min(begin + each * int(keys), last + 1)};
}

/// How many of `parts` have keys, `together` at a time being counted as one.
template <unsigned keys, unsigned parts, unsigned together>
inline unsigned partsWithKeys(int first, int last) {
  const int pages = last / int(keys) + 1 - first / int(keys);
  const int each = (pages + int(parts) - 1) / int(parts) * int(together);
  return unsigned((pages + each - 1) / each);
}

/// The largest score and the sum of weights relative to it; weighed values are
/// folded by what add() returns.
struct Fold {
  float largest, sum;

  struct Factors {
    float before, now;

    float add(float output, float own) const {
      return fmaf(own, now, output * before);
    }
  };

  static Fold empty() { return {-infinity(), 0.0f}; }
  /// Whether nothing was seen; such a fold must not be added.
  bool isEmpty() const { return largest == -infinity(); }

  Factors add(const Fold &own) {
    const float most = fmaxf(largest, own.largest);
    const Factors factors = {expf(largest - most), expf(own.largest - most)};
    sum = factors.add(sum, own.sum);
    largest = most;
    return factors;
  }
};

/// What the splits of a token's row leave to the kernel that folds them, all
/// float32: [heads][splits][valueWidth] weighed values, then the largest scores
/// and the sums, each [heads][splits].
template <typename Shape> struct SplitRow {
  static constexpr unsigned folds = Shape::heads * Shape::splits;
  static constexpr unsigned largest = folds * Shape::valueWidth;
  static constexpr unsigned sums = largest + folds;
  static constexpr unsigned width = sums + folds;

  float *values;

  static SplitRow at(void *base, unsigned token) {
    return {static_cast<float *>(base) + uint64_t(token) * width};
  }
  static unsigned numberOf(unsigned head, unsigned split) {
    return head * Shape::splits + split;
  }

  void put(unsigned number, const Fold &fold) const {
    store(values + largest + number, fold.largest);
    store(values + sums + number, fold.sum);
  }
  Fold get(unsigned number) const {
    return {load(values + largest + number), load(values + sums + number)};
  }
  void putValue(unsigned number, unsigned column, float value) const {
    store(values + number * Shape::valueWidth + column, value);
  }
  float value(unsigned number, unsigned column) const {
    return load(values + number * Shape::valueWidth + column);
  }
};

} // namespace sinter::cuda
