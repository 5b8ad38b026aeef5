// What kernels ask of a GPU beyond C++: the form for an emulated device. The
// other one is prelude/Device.cuh.
namespace sinter::cuda {

constexpr unsigned kWarp = emulation::kLanes;

inline unsigned threadIndex() { return emulation::block().thread(); }
inline unsigned laneIndex() { return threadIndex() % kWarp; }
inline unsigned warpIndex() { return threadIndex() / kWarp; }
inline int64_t itemIndex() { return emulation::block().item(); }

inline void syncBlock() { emulation::block().barrier(); }
inline void syncWarp() { emulation::block().warpBarrier(); }

template <typename T> inline T shuffleXor(T value, unsigned mask) {
  static_assert(sizeof(T) == 4, "a register");
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  bits = uint32_t(
      emulation::block().exchange(bits, laneIndex() ^ mask, 0x100 | mask));
  memcpy(&value, &bits, sizeof(bits));
  return value;
}

inline uint32_t ballot(bool bit) { return emulation::block().vote(bit, 0x200); }
inline unsigned countBits(uint32_t bits) { return __builtin_popcount(bits); }

inline int dotBytes(uint32_t weights, int32_t activations, int sum) {
  for (unsigned i = 0; i < 32; i += 8)
    sum += int(weights >> i & 0xff) * int8_t(uint32_t(activations) >> i);
  return sum;
}

inline uint32_t permuteBytes(uint32_t low, uint32_t high, uint32_t selector) {
  const uint64_t bytes = uint64_t(high) << 32 | low;
  uint32_t result = 0;
  for (unsigned i = 0; i < 4; ++i) {
    const unsigned nibble = selector >> 4 * i & 0xf;
    uint32_t byte = bytes >> 8 * (nibble & 7) & 0xff;
    if (nibble & 8) // its sign alone
      byte = byte & 0x80 ? 0xff : 0;
    result |= byte << 8 * i;
  }
  return result;
}

inline float floatOfBits(uint32_t bits) {
  float value;
  memcpy(&value, &bits, sizeof(value));
  return value;
}
inline uint32_t bitsOfFloat(float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  return bits;
}

inline float halfToFloat(uint16_t half) {
  const uint32_t sign = uint32_t(half & 0x8000) << 16;
  const uint32_t exponent = half >> 10 & 0x1f, fraction = half & 0x3ff;
  if (exponent == 0) // subnormal: the fraction counts 2^-24
    return floatOfBits(sign | bitsOfFloat(float(fraction) * 0x1p-24f));
  const uint32_t wide = exponent == 0x1f ? 0xff : exponent + 112;
  return floatOfBits(sign | wide << 23 | fraction << 13);
}

/// To the nearest half, ties to even; what is too large becomes infinite.
inline uint16_t floatToHalf(float value) {
  const uint32_t bits = bitsOfFloat(value);
  const uint16_t sign = uint16_t(bits >> 16 & 0x8000);
  const uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000)
    return 0x7fff;             // as cvt.rn.f16.f32 gives it
  if (magnitude >= 0x477ff000) // from 65520 on, halfway to 2^16
    return sign | 0x7c00;
  if (magnitude < 0x38800000) { // below 2^-14: in units of 2^-24
    const float units = fabsf(value) * 0x1p24f;
    return sign | uint16_t(nearbyintf(units));
  }
  const uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return sign | uint16_t((rounded >> 13) - (112 << 10));
}

/// Each half of two words, by an operation whose result in float32 is rounded
/// as well as one in halves would be: 24 bits are two more than twice 11.
template <typename Operation>
inline uint32_t ofHalves(uint32_t a, uint32_t b, Operation operation) {
  uint32_t result = 0;
  for (unsigned shift = 0; shift < 32; shift += 16)
    result |=
        uint32_t(floatToHalf(operation(halfToFloat(uint16_t(a >> shift)),
                                       halfToFloat(uint16_t(b >> shift)))))
        << shift;
  return result;
}
inline uint32_t addHalves(uint32_t a, uint32_t b) {
  return ofHalves(a, b, [](float x, float y) { return x + y; });
}
inline uint32_t timesHalves(uint32_t a, uint32_t b) {
  return ofHalves(a, b, [](float x, float y) { return x * y; });
}

inline void waitForEarlier() { emulation::block().waitForEarlier(); }
/// Launches are done one after the other: what the next one may do meanwhile
/// is checked when it does it.
inline void letNextBegin() {}
inline void prefetchWeights(const char *from) {
  emulation::checkRead(from, 1, /*weights=*/true);
}

template <typename T> inline T load(const T *from) {
  emulation::checkRead(from, sizeof(T));
  return *from;
}
template <typename T> inline void store(T *to, T value) {
  emulation::checkWrite(to, sizeof(T));
  *to = value;
}
template <typename T> inline T loadWeights(const T *from) {
  emulation::checkRead(from, sizeof(T), /*weights=*/true);
  return *from;
}

inline unsigned min(unsigned a, unsigned b) { return a < b ? a : b; }
inline int min(int a, int b) { return a < b ? a : b; }
inline int64_t min(int64_t a, int64_t b) { return a < b ? a : b; }
inline int max(int a, int b) { return a > b ? a : b; }
inline int64_t max(int64_t a, int64_t b) { return a > b ? a : b; }

/// Shared memory whose every access is looked at.
template <typename T, unsigned count> class SharedArray {
public:
  T get(unsigned index) const {
    Element &element = at(index, "read");
    const emulation::Access now = emulation::Access::now();
    if (element.pending)
      emulation::block().fail("read of shared element %u, whose copy nobody "
                              "has waited for",
                              index);
    if (!element.write.present)
      emulation::block().fail("read of shared element %u, which nobody has "
                              "written",
                              index);
    if (element.write.races(now))
      emulation::block().fail("shared element %u is read while thread %u "
                              "writes it",
                              index, element.write.thread);
    if (!element.read.races(now))
      element.read = now;
    else
      element.otherRead = now;
    return element.value;
  }

  void put(unsigned index, T value) { write(index).value = value; }

  /// A copy into an element begins, whose end arrive() tells.
  void expect(unsigned index) { write(index).pending = true; }
  /// It is there: for this thread, or `forAll` who know of that end.
  void arrive(unsigned index, const void *from, bool forAll) {
    Element &element = at(index, "copy");
    memcpy(&element.value, from, sizeof(T));
    element.pending = false;
    element.write = emulation::Access::now();
    element.write.epoch -= forAll;
  }

  /// Begins to copy an element, which arrives when the thread waits for it.
  void begin(unsigned index, const void *from) {
    Element &element = write(index);
    element.pending = true;
    emulation::copies().begin(from, &element, [](void *to, const void *from) {
      auto &element = *static_cast<Element *>(to);
      memcpy(&element.value, from, sizeof(T));
      element.pending = false;
      element.write = emulation::Access::now();
    });
  }

private:
  struct Element {
    T value;
    bool pending;   ///< a copy into it goes on
    uint64_t block; ///< whose accesses these are
    /// The last write, the first read of an epoch and one of another thread.
    emulation::Access write, read, otherRead;
  };

  Element &write(unsigned index) {
    Element &element = at(index, "write");
    const emulation::Access now = emulation::Access::now();
    if (element.pending)
      emulation::block().fail("write of shared element %u, whose copy nobody "
                              "has waited for",
                              index);
    if (element.write.races(now))
      emulation::block().fail("shared element %u is written while thread %u "
                              "writes it",
                              index, element.write.thread);
    for (const emulation::Access &read : {element.read, element.otherRead})
      if (read.races(now))
        emulation::block().fail("shared element %u is written while thread %u "
                                "reads it",
                                index, read.thread);
    element.write = now;
    return element;
  }

  Element &at(unsigned index, const char *what) const {
    if (index >= count)
      emulation::block().fail("%s of shared element %u of %u", what, index,
                              count);
    Element &element = elements_[index];
    if (element.block != emulation::block().serial()) {
      element = {};
      element.block = emulation::block().serial();
    }
    return element;
  }

  mutable Element elements_[count] = {};
};

/// Larger than on a GPU, since its elements know who touched them.
template <typename Work, unsigned> inline Work &dynamicShared() {
  static thread_local Work work;
  return work;
}

/// Threads may take() at the same time, but not while another clears or asks.
class SharedCounter {
public:
  void clear() {
    cleared_.put(0, 1);
    next_ = 0;
    taken_ = asked_ = {};
  }
  unsigned take() {
    cleared_.get(0);
    asked_.check("a shared counter is taken from while thread %u asks for its "
                 "number");
    taken_.note();
    return next_++;
  }
  unsigned get() const {
    cleared_.get(0);
    taken_.check("a shared counter is asked for its number while thread %u "
                 "takes from it");
    asked_.note();
    return next_;
  }

private:
  /// The last of several accesses, and one of another thread.
  struct Accesses {
    emulation::Access last, other;

    void note() {
      const emulation::Access now = emulation::Access::now();
      if (last.thread != now.thread)
        other = last;
      last = now;
    }
    void check(const char *what) const {
      for (const emulation::Access &access : {last, other})
        if (access.races(emulation::Access::now()))
          emulation::block().fail(what, access.thread);
    }
  };

  unsigned next_ = 0;
  SharedArray<unsigned, 1> cleared_;
  mutable Accesses taken_, asked_;
};

} // namespace sinter::cuda
