// Rows of activations: where they lie, and how a warp writes 32 columns of one,
// float32 or quantised with the sums that their readers need.
namespace sinter::cuda {

template <unsigned widthOf, unsigned stride, bool q8Of, unsigned sumsOf>
struct Row {
  static constexpr unsigned width = widthOf, sums = sumsOf;
  static constexpr bool q8 = q8Of;
  static constexpr Q8Layout layout = Q8Layout::of(widthOf, sumsOf);
  static constexpr unsigned bytes = q8 ? layout.rowBytes : stride * 4;

  static char *at(void *base, int64_t row) {
    return static_cast<char *>(base) + row * bytes;
  }
  static const char *at(const void *base, int64_t row) {
    return static_cast<const char *>(base) + row * bytes;
  }
};

template <typename T> inline T loadAt(const char *base, unsigned offset) {
  return load(reinterpret_cast<const T *>(base + offset));
}
template <typename T>
inline void storeAt(char *base, unsigned offset, T value) {
  store(reinterpret_cast<T *>(base + offset), value);
}

// Floats4.cuh.
template <typename R>
void writeFloats32(char *row, unsigned block, float value);
template <typename R>
void writeFloats16(char *row, unsigned block, float value);

/// The sums of a block's codes, of which each lane has its own; the lower half
/// of the warp holds the first 16.
template <typename R>
inline void writeSums(char *row, unsigned block, int code, float scale) {
  constexpr unsigned sums = R::sums;
  constexpr Q8Layout layout = R::layout;
  for (unsigned mask = 8; mask; mask /= 2)
    code += shuffleXor(code, mask);
  const unsigned lane = laneIndex();
  if (lane % 16 == 0) {
    const unsigned at = 4 * (2 * block + lane / 16);
    if constexpr ((sums & kCodes16) != 0)
      storeAt<int>(row, layout.codes16 + at, -code << sumShift(sums));
    if constexpr ((sums & kMins16) != 0)
      storeAt<float>(row, layout.mins16 + at, scale * float(code));
  }
  if constexpr ((sums & (kCodes32 | kMins32)) != 0) {
    code += shuffleXor(code, 16);
    if (lane != 0)
      return;
    if constexpr ((sums & kCodes32) != 0)
      storeAt<int>(row, layout.codes32 + 4 * block, -code << sumShift(sums));
    if constexpr ((sums & kMins32) != 0)
      storeAt<float>(row, layout.mins32 + 4 * block, scale * float(code));
  }
}

/// Writes columns 32 * block ... of a row, of which lane n has the n-th. The
/// scale of a block of zeros (or of numbers so small that its inverse would
/// overflow) is 0.
template <typename R>
inline void writeBlock(char *row, unsigned block, float value) {
  const unsigned lane = laneIndex();
  if constexpr (!R::q8) {
    if (32 * block + lane < R::width)
      storeAt<float>(row, 4 * (32 * block + lane), value);
  } else {
    const float largest = warpMax(fabsf(value));
    const bool tiny = largest < 1e-30f;
    const float scale = tiny ? 0.0f : largest * (1.0f / 127.0f);
    const float inverse = tiny ? 0.0f : 127.0f / largest;
    const int code = int(rintf(value * inverse));
    storeAt<int8_t>(row, 32 * block + lane, int8_t(code));
    if (lane == 0)
      storeAt<float>(row, R::layout.scales + 4 * block, scale);
    writeSums<R>(row, block, code, scale);
    if constexpr ((R::sums & kFloats32) != 0)
      writeFloats32<R>(row, block, value);
    if constexpr ((R::sums & kFloats16) != 0)
      writeFloats16<R>(row, block, value);
  }
}

/// Zeroes what lies behind the last column of an 8-bit row, which readers take
/// for weights of padding; done by `warps` warps.
template <typename R> inline void writePadding(char *row, unsigned warps) {
  if constexpr (R::q8)
    for (unsigned block = R::width / 32 + warpIndex();
         block < R::layout.padded / 32; block += warps)
      writeBlock<R>(row, block, 0.0f);
}

} // namespace sinter::cuda
