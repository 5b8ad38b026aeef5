// Instructions of the matrix units and copies that go on by themselves: the
// form for an emulated device. The other one is prelude/Mma.cuh. A tile is put
// together from what its lanes hold, multiplied, and handed out again.
namespace sinter::cuda {

/// Where lane `lane` holds its sums.
inline unsigned sumRow(unsigned lane, unsigned i) {
  return lane / 4 + (i < 2 ? 0 : 8);
}
inline unsigned sumColumn(unsigned lane, unsigned i) {
  return 2 * (lane % 4) + i % 2;
}

namespace tiles {

enum Kind : uint32_t {
  Bytes32 = 0x400,
  Bytes16,
  Halves16,
  Tf32By8,
  Bfloats16,
  Floats4By32,
  Floats4By16,
  Squares
};

/// A lane's part: registers of a and b, its sums, which change, and scales.
template <typename Sum> struct Part {
  const uint32_t *a, *b;
  Sum *sums;
  uint32_t scalesOfA = 0, scalesOfB = 0;
};

/// Multiplies [16][width] by [width][8], both made of elements that are
/// `bits` wide: `product(x, y, k, row, column)` of two elements, added to a
/// `Wide`.
template <typename Wide, unsigned width, unsigned bits, typename Sum,
          typename Product>
inline void multiply(void *const *lanes, Product product) {
  constexpr unsigned each = 32 / bits;      // elements of a register
  constexpr unsigned half = 4 * each;       // columns that 4 lanes have
  constexpr unsigned halves = width / half; // registers of b
  uint32_t a[16][width], b[8][width];
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    const auto &part = *static_cast<const Part<Sum> *>(lanes[lane]);
    for (unsigned h = 0; h < halves; ++h)
      for (unsigned i = 0; i < each; ++i) {
        const unsigned column = h * half + each * (lane % 4) + i;
        const auto element = [&](uint32_t word) {
          return uint32_t(word >> bits * i & ((uint64_t(1) << bits) - 1));
        };
        a[lane / 4][column] = element(part.a[2 * h]);
        a[lane / 4 + 8][column] = element(part.a[2 * h + 1]);
        b[lane / 4][column] = element(part.b[h]);
      }
  }
  for (unsigned lane = 0; lane < kWarp; ++lane) {
    const auto &part = *static_cast<const Part<Sum> *>(lanes[lane]);
    for (unsigned i = 0; i < 4; ++i) {
      const uint32_t *row = a[sumRow(lane, i)];
      const uint32_t *column = b[sumColumn(lane, i)];
      Wide sum = part.sums[i];
      for (unsigned k = 0; k < width; ++k)
        sum +=
            product(row[k], column[k], k, sumRow(lane, i), sumColumn(lane, i));
      part.sums[i] = Sum(sum);
    }
  }
}

template <unsigned width> inline void multiplyBytes(void *const *lanes) {
  multiply<int64_t, width, 8, int>(
      lanes, [](uint32_t x, uint32_t y, unsigned, unsigned, unsigned) {
        return int64_t(x) * int8_t(y);
      });
}

inline float bfloatToFloat(uint32_t bits) { return floatOfBits(bits << 16); }

/// In which order a GPU adds is not told: here exactly, rounded once.
template <float toFloat(uint32_t)>
inline void multiplyFloats16(void *const *lanes) {
  multiply<double, 16, 16, float>(
      lanes, [](uint32_t x, uint32_t y, unsigned, unsigned, unsigned) {
        return double(toFloat(x)) * toFloat(y);
      });
}
inline float halfOf(uint32_t bits) { return halfToFloat(uint16_t(bits)); }

/// What a lane gives ldmatrix and gets from it.
struct Square {
  uint16_t row[8];
  uint32_t *squares;
};
inline void transpose(void *const *lanes) {
  for (unsigned lane = 0; lane < kWarp; ++lane)
    for (unsigned number = 0; number < 4; ++number) {
      const auto element = [&](unsigned row) -> uint32_t {
        return static_cast<const Square *>(lanes[8 * number + row])
            ->row[lane / 4];
      };
      static_cast<const Square *>(lanes[lane])->squares[number] =
          element(lane % 4 * 2) | element(lane % 4 * 2 + 1) << 16;
    }
}

inline void multiplyTf32(void *const *lanes) {
  constexpr uint32_t counts = ~uint32_t(0x1fff);
  multiply<double, 8, 32, float>(
      lanes, [](uint32_t x, uint32_t y, unsigned, unsigned, unsigned) {
        return double(floatOfBits(x & counts)) * floatOfBits(y & counts);
      });
}

/// E2M1: 0, 1/2, 1, 3/2, 2, 3, 4, 6 and a sign.
inline double float4(uint32_t bits) {
  constexpr double kValues[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
  return bits & 8 ? -kValues[bits & 7] : kValues[bits & 7];
}
/// E8M0, a power of two; UE4M3 of 7 bits. All ones are no number.
inline double scale8(uint32_t bits) {
  return bits == 0xff ? NAN : ldexp(1.0, int(bits) - 127);
}
inline double scale43(uint32_t bits) {
  const uint32_t exponent = bits >> 3 & 0xf, fraction = bits & 7;
  if ((bits & 0x7f) == 0x7f)
    return NAN;
  return exponent ? ldexp(8 + fraction, int(exponent) - 10)
                  : ldexp(double(fraction), -9);
}

template <unsigned group, auto scale>
inline void multiplyFloats4(void *const *lanes) {
  const auto partOf = [lanes](unsigned lane) {
    return static_cast<const Part<float> *>(lanes[lane]);
  };
  multiply<double, 64, 4, float>(lanes, [&](uint32_t x, uint32_t y, unsigned k,
                                            unsigned row, unsigned column) {
    const unsigned shift = 8 * (k / group);
    const uint32_t a = partOf(row % 8 * 4 + row / 8)->scalesOfA >> shift;
    const uint32_t b = partOf(column * 4)->scalesOfB >> shift;
    return float4(x) * float4(y) * scale(a & 0xff) * scale(b & 0xff);
  });
}

} // namespace tiles

inline void mmaBytes(int (&sums)[4], const uint32_t (&a)[4],
                     const uint32_t (&b)[2]) {
  tiles::Part<int> part = {a, b, sums};
  emulation::block().together(&part, tiles::multiplyBytes<32>, tiles::Bytes32);
}

inline void mmaBytes(int (&sums)[4], const uint32_t (&a)[2], uint32_t b) {
  tiles::Part<int> part = {a, &b, sums};
  emulation::block().together(&part, tiles::multiplyBytes<16>, tiles::Bytes16);
}

inline void mmaHalves(float (&sums)[4], const uint32_t (&a)[4],
                      const uint32_t (&b)[2]) {
  tiles::Part<float> part = {a, b, sums};
  emulation::block().together(&part, tiles::multiplyFloats16<tiles::halfOf>,
                              tiles::Halves16);
}

inline void mmaBfloats(float (&sums)[4], const uint32_t (&a)[4],
                       const uint32_t (&b)[2]) {
  tiles::Part<float> part = {a, b, sums};
  emulation::block().together(
      &part, tiles::multiplyFloats16<tiles::bfloatToFloat>, tiles::Bfloats16);
}

inline uint32_t packHalves(float low, float high) {
  return floatToHalf(low) | uint32_t(floatToHalf(high)) << 16;
}

/// To the nearest bfloat, ties to even.
inline uint32_t floatToBfloat(float value) {
  const uint32_t bits = bitsOfFloat(value);
  if ((bits & 0x7fffffff) > 0x7f800000)
    return 0x7fff; // as cvt.rn.bf16x2.f32 gives it
  return (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
}
inline uint32_t packBfloats(float low, float high) {
  return floatToBfloat(low) | floatToBfloat(high) << 16;
}

inline void mmaTf32(float (&sums)[4], const uint32_t (&a)[4],
                    const uint32_t (&b)[2]) {
  tiles::Part<float> part = {a, b, sums};
  emulation::block().together(&part, tiles::multiplyTf32, tiles::Tf32By8);
}
inline float roundToTf32(float value) {
  const uint32_t bits = bitsOfFloat(value);
  if ((bits & 0x7f800000) == 0x7f800000) // infinite or no number
    return value;
  return floatOfBits((bits + 0x1000) & ~uint32_t(0x1fff));
}

inline void mmaFloats4By32(float (&sums)[4], const uint32_t (&a)[4],
                           const uint32_t (&b)[2], uint32_t scalesOfA,
                           uint32_t scalesOfB) {
  tiles::Part<float> part = {a, b, sums, scalesOfA, scalesOfB};
  emulation::block().together(&part, tiles::multiplyFloats4<32, tiles::scale8>,
                              tiles::Floats4By32);
}
inline void mmaFloats4By16(float (&sums)[4], const uint32_t (&a)[4],
                           const uint32_t (&b)[2], uint32_t scalesOfA,
                           uint32_t scalesOfB) {
  tiles::Part<float> part = {a, b, sums, scalesOfA, scalesOfB};
  emulation::block().together(&part, tiles::multiplyFloats4<16, tiles::scale43>,
                              tiles::Floats4By16);
}

/// Shared memory whose every word is looked at; a word into which a copy goes
/// on may not be touched before the copy is waited for.
template <unsigned count> class alignas(16) SharedBytes {
public:
  template <typename T> T get(unsigned at) const {
    static_assert(sizeof(T) <= 16);
    char bytes[16];
    for (unsigned word = at / 4; word <= (at + sizeof(T) - 1) / 4; ++word) {
      const uint32_t value = words_.get(word);
      memcpy(bytes + 4 * (word - at / 4), &value, 4);
    }
    T value;
    memcpy(&value, bytes + at % 4, sizeof(T));
    return value;
  }

  template <typename T> void put(unsigned at, T value) {
    static_assert(sizeof(T) == 4, "a word");
    if (at % 4)
      emulation::block().fail("write of a word to %u of shared memory", at);
    uint32_t word;
    memcpy(&word, &value, 4);
    words_.put(at / 4, word);
  }

  void transposed(unsigned at, uint32_t (&squares)[4]) const {
    if (at % 16)
      emulation::block().fail("read of a row of 16 bytes from %u of shared "
                              "memory, which must be a multiple of that",
                              at);
    tiles::Square part;
    for (unsigned word = 0; word < 4; ++word) {
      const uint32_t value = words_.get(at / 4 + word);
      memcpy(&part.row[2 * word], &value, 4);
    }
    part.squares = squares;
    emulation::block().together(&part, tiles::transpose, tiles::Squares);
  }

  template <unsigned size> void copy(unsigned at, const void *from) {
    static_assert(size == 4 || size == 8 || size == 16);
    emulation::checkCopy(at, from, size);
    for (unsigned word = 0; word < size / 4; ++word)
      words_.begin(at / 4 + word, static_cast<const char *>(from) + 4 * word);
  }

private:
  SharedArray<uint32_t, count / 4> words_;
};

inline void commitCopies() { emulation::copies().commit(); }

template <unsigned pending> inline void waitForCopies() {
  emulation::copies().wait(pending);
}

} // namespace sinter::cuda
