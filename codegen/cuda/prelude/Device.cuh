// What kernels ask of a GPU beyond C++: the real form. emulation/Device.cuh is
// the other one; no kernel text outside these two names an instruction.
namespace sinter::cuda {

constexpr unsigned kWarp = 32;
constexpr unsigned kWholeWarp = 0xffffffffu;

inline unsigned threadIndex() { return threadIdx.x; }
inline unsigned laneIndex() { return threadIdx.x % kWarp; }
inline unsigned warpIndex() { return threadIdx.x / kWarp; }
inline int64_t itemIndex() { return blockIdx.x; }

/// All threads of the block wait for each other; what they wrote is seen.
inline void syncBlock() { __syncthreads(); }
/// The same for the lanes of a warp.
inline void syncWarp() { __syncwarp(); }

/// The value of lane `laneIndex() ^ mask`; all lanes of the warp take part.
inline float shuffleXor(float value, unsigned mask) {
  return __shfl_xor_sync(kWholeWarp, value, mask);
}
inline int shuffleXor(int value, unsigned mask) {
  return __shfl_xor_sync(kWholeWarp, value, mask);
}

/// The bits of all lanes of the warp, which all take part.
inline uint32_t ballot(bool bit) { return __ballot_sync(kWholeWarp, bit); }
inline unsigned countBits(uint32_t bits) { return __popc(bits); }

/// sum + Σ of four products: unsigned bytes of `weights` times signed bytes of
/// `activations`.
inline int dotBytes(uint32_t weights, int32_t activations, int sum) {
  asm("dp4a.u32.s32 %0, %1, %2, %0;"
      : "+r"(sum)
      : "r"(weights), "r"(activations));
  return sum;
}

/// Byte n of the result is byte s of high:low, s being nibble n of `selector`.
inline uint32_t permuteBytes(uint32_t low, uint32_t high, uint32_t selector) {
  return __byte_perm(low, high, selector);
}

inline float halfToFloat(uint16_t bits) {
  float value;
  asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
  return value;
}
inline uint16_t floatToHalf(float value) {
  uint16_t bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
  return bits;
}
/// Sums and products of two halves each, rounded to the nearest.
inline uint32_t addHalves(uint32_t a, uint32_t b) {
  asm("add.rn.f16x2 %0, %0, %1;" : "+r"(a) : "r"(b));
  return a;
}
inline uint32_t timesHalves(uint32_t a, uint32_t b) {
  asm("mul.rn.f16x2 %0, %0, %1;" : "+r"(a) : "r"(b));
  return a;
}
inline float floatOfBits(uint32_t bits) { return __uint_as_float(bits); }
inline uint32_t bitsOfFloat(float value) { return __float_as_uint(value); }

/// Waits until the kernel before this one has ended and all that it wrote can
/// be read. A kernel that was launched to begin early reads nothing before that
/// but what no kernel writes (EarlyBegin.cuh).
inline void waitForEarlier() {
  asm volatile("griddepcontrol.wait;" ::: "memory");
}
/// Once all blocks have said so, or ended, the next kernel may begin.
inline void letNextBegin() {
  asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
}
/// Asks for a line of weights, which the second cache will then have.
inline void prefetchWeights(const char *from) {
  asm volatile("prefetch.global.L2 [%0];" ::"l"(from));
}

/// Memory that all blocks share.
template <typename T> inline T load(const T *from) { return *from; }
template <typename T> inline void store(T *to, T value) { *to = value; }
/// Weights: read once, so they need not stay in the caches.
template <typename T> inline T loadWeights(const T *from) {
  return __ldcs(from);
}

/// Memory that the threads of a block share, undefined when it begins.
template <typename T, unsigned count> struct SharedArray {
  T values[count];

  T get(unsigned index) const { return values[index]; }
  void put(unsigned index, T value) { values[index] = value; }
};

/// The shared memory that a launch adds, beyond the 48 KiB that a text can
/// declare. A launch gives `bytes`, aligned as copies want them; what lies in
/// front of the first place that is aligned for more is lost.
template <typename T, unsigned bytes> inline T &dynamicShared() {
  extern __shared__ float4 given[];
  constexpr unsigned lost = alignof(T) > alignof(float4) ? alignof(T) : 0;
  static_assert(sizeof(T) + lost <= bytes, "what a launch adds suffices");
  const auto begin = unsigned(__cvta_generic_to_shared(given));
  return *reinterpret_cast<T *>(reinterpret_cast<char *>(given) +
                                (lost ? -begin & (alignof(T) - 1) : 0));
}

/// Hands out numbers from 0 on to the threads of a block, in any order.
struct SharedCounter {
  unsigned next;

  void clear() { next = 0; }
  unsigned take() { return atomicAdd(&next, 1u); }
  unsigned get() const { return next; }
};

/// What a launch passes: addresses, in the order of the kernel's operands.
template <unsigned count> struct Operands { void *at[count]; };

} // namespace sinter::cuda
