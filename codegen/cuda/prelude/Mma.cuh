// Instructions of the matrix units and copies that go on by themselves: the
// real form. emulation/Mma.cuh is the other one. All lanes of a warp multiply
// together: `volatile` keeps the compiler from moving that to where they part.
// Which lane holds what of a tile is in the PTX manual, "Matrix Fragments for
// mma"; with g = lane / 4 and j = lane % 4:
//   sums [16][8]     rows g, g, g + 8, g + 8; columns 2j, 2j + 1, 2j, 2j + 1
//   bytes a [16][32] rows g, g + 8, g, g + 8; columns 4j ... of the first 16
//                    twice, then of the last 16
//   bytes b [32][8]  column g; rows 4j ... of the first 16, of the last 16
//   halves           as bytes, two a register: columns 2j, 2j + 1 of 8; so do
//                    bfloats, which are BF16
//   TF32             as bytes, one a register: column j of 4
//   4-bit floats     as bytes, eight a register: columns 8j ... of 32
//   scales of a      all of a row, in a register of lanes j = 0 (row g) and
//                    j = 1 (row g + 8)
//   scales of b      all of column g, in a register of lane j = 0
namespace sinter::cuda {

/// sums += a · b: unsigned bytes times signed ones.
inline void mmaBytes(int (&sums)[4], const uint32_t (&a)[4],
                     const uint32_t (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k32.row.col.s32.u8.s8.s32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]),
                 "r"(b[1]));
}

/// The same over 16 columns of a.
inline void mmaBytes(int (&sums)[4], const uint32_t (&a)[2], uint32_t b) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.s32.u8.s8.s32 "
               "{%0, %1, %2, %3}, {%4, %5}, {%6}, {%0, %1, %2, %3};"
               : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
               : "r"(a[0]), "r"(a[1]), "r"(b));
}

/// sums += a · b over 16 columns of halves.
inline void mmaHalves(float (&sums)[4], const uint32_t (&a)[4],
                      const uint32_t (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 "
               "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
               : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]),
                 "r"(b[1]));
}

/// The same of bfloats.
inline void mmaBfloats(float (&sums)[4], const uint32_t (&a)[4],
                       const uint32_t (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// The same over 8 columns of float32, of whose fractions 10 bits count.
inline void mmaTf32(float (&sums)[4], const uint32_t (&a)[4],
                    const uint32_t (&b)[2]) {
  asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
/// To the nearest number with such a fraction, ties away from 0.
inline float roundToTf32(float value) {
  uint32_t bits;
  asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(bits) : "f"(value));
  return floatOfBits(bits);
}

/// Two halves, or bfloats, the first low: the nearest ones.
inline uint32_t packHalves(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}
inline uint32_t packBfloats(float low, float high) {
  uint32_t pair;
  asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(pair) : "f"(high), "f"(low));
  return pair;
}

/// sums += a · b over 64 columns of 4-bit floats (E2M1), each 32 (MXFP4: two
/// scales, powers of two) or 16 (NVFP4: four scales, UE4M3) of them times the
/// scale that row and column have there. On sm_120a and sm_121a only.
inline void mmaFloats4By32(float (&sums)[4], const uint32_t (&a)[4],
                           const uint32_t (&b)[2], uint32_t scalesOfA,
                           uint32_t scalesOfB) {
  asm volatile(
      "mma.sync.aligned.kind::mxf4.block_scale.scale_vec::2X.m16n8k64.row.col."
      "f32.e2m1.e2m1.f32.ue8m0 {%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, "
      "{%0, %1, %2, %3}, {%10}, {0, 0}, {%11}, {0, 0};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]),
        "r"(scalesOfA), "r"(scalesOfB));
}
inline void mmaFloats4By16(float (&sums)[4], const uint32_t (&a)[4],
                           const uint32_t (&b)[2], uint32_t scalesOfA,
                           uint32_t scalesOfB) {
  asm volatile(
      "mma.sync.aligned.kind::mxf4nvf4.block_scale.scale_vec::4X.m16n8k64.row."
      "col.f32.e2m1.e2m1.f32.ue4m3 {%0, %1, %2, %3}, {%4, %5, %6, %7}, "
      "{%8, %9}, {%0, %1, %2, %3}, {%10}, {0, 0}, {%11}, {0, 0};"
      : "+f"(sums[0]), "+f"(sums[1]), "+f"(sums[2]), "+f"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]),
        "r"(scalesOfA), "r"(scalesOfB));
}

/// Bytes that the threads of a block share, of any type, and into which copies
/// go on while threads do other things.
template <unsigned count> struct alignas(16) SharedBytes {
  char bytes[count];

  template <typename T> T get(unsigned at) const {
    return *reinterpret_cast<const T *>(bytes + at);
  }
  template <typename T> void put(unsigned at, T value) {
    *reinterpret_cast<T *>(bytes + at) = value;
  }
  /// Four squares of eight rows, each of eight elements of two bytes: lane l
  /// says where row l % 8 of square l / 8 lies, and gets of each square two
  /// elements of column lane / 4, those of rows 2j and 2j + 1.
  void transposed(unsigned at, uint32_t (&squares)[4]) const {
    const auto from = unsigned(__cvta_generic_to_shared(bytes)) + at;
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 "
                 "{%0, %1, %2, %3}, [%4];"
                 : "=r"(squares[0]), "=r"(squares[1]), "=r"(squares[2]),
                   "=r"(squares[3])
                 : "r"(from)
                 : "memory");
  }
  /// Begins to copy 4, 8 or 16 bytes, both places being multiples of that.
  template <unsigned size> void copy(unsigned at, const void *from) {
    const auto to = unsigned(__cvta_generic_to_shared(bytes)) + at;
    if constexpr (size == 16)
      asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(to),
                   "l"(from)
                   : "memory");
    else
      asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(to),
                   "l"(from), "n"(size)
                   : "memory");
  }
};

/// What this thread has begun to copy since the last call is one group.
inline void commitCopies() {
  asm volatile("cp.async.commit_group;" ::: "memory");
}

/// Waits for all groups of this thread but the `pending` latest.
template <unsigned pending> inline void waitForCopies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(pending) : "memory");
}

} // namespace sinter::cuda
