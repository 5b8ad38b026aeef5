// What Hopper (sm_90a) has beyond Mma.cuh: products of a warpgroup, four warps
// that multiply together and go on while the units work, barriers that count
// arrivals and bytes, and bulk copies that they wait for, which are worth their
// call (one lane after the other, 8 instructions each) for kilobytes. The real
// form; emulation/Wgmma.cuh is the other one. A tile in shared memory is named
// by a descriptor (WgmmaGemm.cuh); what lanes hold of a product [64][columns]
// is in the PTX manual, "Register Fragments for wgmma.mma_async.m64nNk32": warp
// w has rows 16w ..., of which each 8 columns are a tile of Mma.cuh's.
namespace sinter::cuda {

/// Other GPUs get the text without these instructions: PTX for later ones has
/// another kernel (WgmmaGemm.cuh).
#ifdef __CUDA_ARCH_FEAT_SM90_ALL
constexpr bool kHasWgmma = true;
#else
constexpr bool kHasWgmma = false;
#endif

/// What this thread has written into shared memory is seen by the units and the
/// copy engine, in whatever a barrier orders behind this.
inline void fenceSharedWrites() {
  asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
}

/// Phases, each of which ends when `arrivals` threads have arrived and all
/// bytes that they said they expect are there.
struct SharedBarrier {
  uint64_t state;

  unsigned address() const {
    return unsigned(__cvta_generic_to_shared(&state));
  }
  /// By one thread, before fenceSharedWrites() and syncBlock().
  void begin(unsigned arrivals) {
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(address()),
                 "r"(arrivals)
                 : "memory");
  }
  /// Arrives, and says how many bytes this phase is to wait for.
  void expect(unsigned bytes) {
    asm volatile("mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(
                     address()),
                 "r"(bytes)
                 : "memory");
  }
  /// Waits for the end of the phase of this parity, the first being 0: it is
  /// the one that goes on or the one before.
  void wait(unsigned parity) const {
    unsigned done = 0;
    while (!done)
      asm volatile("{\n.reg .pred done;\n"
                   "mbarrier.try_wait.parity.shared::cta.b64 done, [%1], %2;\n"
                   "selp.u32 %0, 1, 0, done;\n}"
                   : "=r"(done)
                   : "r"(address()), "r"(parity)
                   : "memory");
  }
};

/// Bytes that threads, copy engine and units share. What copy() has copied is,
/// once waitForCopies() has waited, a write of this thread.
template <unsigned count>
struct alignas(1024) SharedTile : SharedBytes<count> {
  unsigned address(unsigned at) const {
    return unsigned(__cvta_generic_to_shared(this->bytes)) + at;
  }
  /// Begins to copy `size` bytes, of which `barrier` is told; both places and
  /// the size are multiples of 16.
  void copyBulk(unsigned at, const void *from, unsigned size,
                SharedBarrier &barrier) {
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::"
                 "bytes [%0], [%1], %2, [%3];" ::"r"(address(at)),
                 "l"(from), "r"(size), "r"(barrier.address())
                 : "memory");
  }
};

/// A lane's bytes of a [64][32], as mmaBytes() takes those of its warp's rows.
struct WgmmaWeights {
  uint32_t values[4];

  void put(unsigned i, uint32_t value) { values[i] = value; }
};

/// A lane's sums of a product [64][64]: sum 4n + i is sum i of the tile of
/// columns 8n ....
struct WgmmaSums {
  static constexpr unsigned columns = 64, count = columns / 2;
  int values[count];

  int get(unsigned i) const { return values[i]; }
};

/// What this thread did with sums and weights is done before its next product.
inline void fenceProducts() {
  asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}

/// Begins sums = a · b, b being 64 columns of 32 bytes each, which `tile`
/// describes: bytes of a, with or without sign, times signed ones.
template <bool sign>
inline void multiplyWarpgroup(WgmmaSums &sums, const WgmmaWeights &a,
                              uint64_t tile) {
  int(&d)[32] = sums.values;
  if constexpr (sign)
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n64k32.s32.s8.s8 {%0, %1, %2, %3, %4, "
        "%5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, "
        "%20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, {%32, "
        "%33, %34, %35}, %36, 0;"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]), "+r"(d[4]),
          "+r"(d[5]), "+r"(d[6]), "+r"(d[7]), "+r"(d[8]), "+r"(d[9]),
          "+r"(d[10]), "+r"(d[11]), "+r"(d[12]), "+r"(d[13]), "+r"(d[14]),
          "+r"(d[15]), "+r"(d[16]), "+r"(d[17]), "+r"(d[18]), "+r"(d[19]),
          "+r"(d[20]), "+r"(d[21]), "+r"(d[22]), "+r"(d[23]), "+r"(d[24]),
          "+r"(d[25]), "+r"(d[26]), "+r"(d[27]), "+r"(d[28]), "+r"(d[29]),
          "+r"(d[30]), "+r"(d[31])
        : "r"(a.values[0]), "r"(a.values[1]), "r"(a.values[2]),
          "r"(a.values[3]), "l"(tile));
  else
    asm volatile(
        "wgmma.mma_async.sync.aligned.m64n64k32.s32.u8.s8 {%0, %1, %2, %3, %4, "
        "%5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, %16, %17, %18, %19, "
        "%20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31}, {%32, "
        "%33, %34, %35}, %36, 0;"
        : "+r"(d[0]), "+r"(d[1]), "+r"(d[2]), "+r"(d[3]), "+r"(d[4]),
          "+r"(d[5]), "+r"(d[6]), "+r"(d[7]), "+r"(d[8]), "+r"(d[9]),
          "+r"(d[10]), "+r"(d[11]), "+r"(d[12]), "+r"(d[13]), "+r"(d[14]),
          "+r"(d[15]), "+r"(d[16]), "+r"(d[17]), "+r"(d[18]), "+r"(d[19]),
          "+r"(d[20]), "+r"(d[21]), "+r"(d[22]), "+r"(d[23]), "+r"(d[24]),
          "+r"(d[25]), "+r"(d[26]), "+r"(d[27]), "+r"(d[28]), "+r"(d[29]),
          "+r"(d[30]), "+r"(d[31])
        : "r"(a.values[0]), "r"(a.values[1]), "r"(a.values[2]),
          "r"(a.values[3]), "l"(tile));
}

/// What has begun since the last call is one group.
inline void commitProducts() {
  asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}

/// Waits for all groups but the `pending` latest, of which none adds to `sums`.
template <unsigned pending, typename... Sums>
inline void waitForProducts(Sums &...sums) {
  asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(pending) : "memory");
  // Nothing may be read before: the compiler knows what it reads, not that the
  // wait has to do with it.
  const auto hold = [](WgmmaSums &own) {
#pragma unroll
    for (unsigned i = 0; i < WgmmaSums::count; ++i)
      asm volatile("" : "+r"(own.values[i])::"memory");
  };
  (hold(sums), ...);
}

} // namespace sinter::cuda
