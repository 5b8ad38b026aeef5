/// Loops that do nothing but read, or nothing but multiply. Their results go
/// into a volatile, or the compiler would leave them out.
#include "runtime/cpu/MachineProbe.h"

#include "runtime/MappedMemory.h"
#include "runtime/cpu/CpuFeatures.h"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <span>
#include <sys/mman.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace sinter {
namespace {

/// Of each thread; several times what caches of one core's share hold.
constexpr uint64_t kReadBytes = uint64_t(128) << 20;
constexpr int kRuns = 5;
constexpr int64_t kDotRounds = 2000000;

volatile int64_t sink;

struct Reading {
  const std::byte *data;
  uint64_t ahead; ///< bytes that prefetches run ahead
};

/// A loop of twelve multiplications a round, for processors with `feature`.
struct PeakLoop {
  const char *feature;
  void (*run)(int64_t rounds);
  int products; ///< of one instruction
};

#if defined(__x86_64__)

__attribute__((target("avx2"))) void readAll(void *context, int thread) {
  const Reading &task = *static_cast<const Reading *>(context);
  const std::byte *data = task.data + thread * kReadBytes;
  __m256i sums[4] = {};
  for (uint64_t at = 0; at < kReadBytes; at += 128) {
    if (task.ahead) {
      _mm_prefetch(reinterpret_cast<const char *>(data + at + task.ahead),
                   _MM_HINT_T1);
      _mm_prefetch(reinterpret_cast<const char *>(data + at + task.ahead + 64),
                   _MM_HINT_T1);
    }
    for (int i = 0; i < 4; ++i)
      sums[i] = _mm256_add_epi64(
          sums[i],
          _mm256_load_si256(reinterpret_cast<const __m256i *>(data + at) + i));
  }
  sums[0] = _mm256_add_epi64(_mm256_add_epi64(sums[0], sums[1]),
                             _mm256_add_epi64(sums[2], sums[3]));
  sink = _mm256_extract_epi64(sums[0], 0);
}

// Twelve sums, in registers 4 to 15, hide the latency of every such instruction
// so far (at most 6 cycles, 2 per cycle). In assembly, since a compiler would
// keep them in memory or leave the loop out.

/// Runs on the registers that the loops below use.
void clearRegisters() {
  asm volatile(".irp r,0,1,4,5,6,7,8,9,10,11,12,13,14,15\n"
               "vpxor %%xmm\\r, %%xmm\\r, %%xmm\\r\n"
               ".endr" ::
                   : "xmm0", "xmm1", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8",
                     "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
                     "xmm15");
}

void bytesVnni512(int64_t rounds) {
  asm volatile("1:\n.irp r,4,5,6,7,8,9,10,11,12,13,14,15\n"
               "vpdpbusd %%zmm0, %%zmm1, %%zmm\\r\n"
               ".endr\n"
               "dec %0\n"
               "jnz 1b"
               : "+r"(rounds)
               :
               : "cc", "memory", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                 "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

void bytesVnni256(int64_t rounds) {
  asm volatile("1:\n.irp r,4,5,6,7,8,9,10,11,12,13,14,15\n"
               "%{vex%} vpdpbusd %%ymm0, %%ymm1, %%ymm\\r\n"
               ".endr\n"
               "dec %0\n"
               "jnz 1b"
               : "+r"(rounds)
               :
               : "cc", "memory", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                 "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

void bytesMadd256(int64_t rounds) {
  asm volatile("1:\n.irp r,4,5,6,7,8,9,10,11,12,13,14,15\n"
               "vpmaddubsw %%ymm0, %%ymm1, %%ymm2\n"
               "vpmaddwd %%ymm2, %%ymm1, %%ymm3\n"
               "vpaddd %%ymm3, %%ymm\\r, %%ymm\\r\n"
               ".endr\n"
               "dec %0\n"
               "jnz 1b"
               : "+r"(rounds)
               :
               : "cc", "memory", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                 "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14",
                 "xmm15");
}

void floats512(int64_t rounds) {
  asm volatile("1:\n.irp r,4,5,6,7,8,9,10,11,12,13,14,15\n"
               "vfmadd231ps %%zmm0, %%zmm1, %%zmm\\r\n"
               ".endr\n"
               "dec %0\n"
               "jnz 1b"
               : "+r"(rounds)
               :
               : "cc", "memory", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                 "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

void floats256(int64_t rounds) {
  asm volatile("1:\n.irp r,4,5,6,7,8,9,10,11,12,13,14,15\n"
               "vfmadd231ps %%ymm0, %%ymm1, %%ymm\\r\n"
               ".endr\n"
               "dec %0\n"
               "jnz 1b"
               : "+r"(rounds)
               :
               : "cc", "memory", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                 "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

void bf16Dots512(int64_t rounds) {
  asm volatile("1:\n.irp r,4,5,6,7,8,9,10,11,12,13,14,15\n"
               "vdpbf16ps %%zmm0, %%zmm1, %%zmm\\r\n"
               ".endr\n"
               "dec %0\n"
               "jnz 1b"
               : "+r"(rounds)
               :
               : "cc", "memory", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9",
                 "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

// Of each list the first that the processor has.
constexpr PeakLoop kByteLoops[] = {{"avx512vnni", bytesVnni512, 64},
                                   {"avxvnni", bytesVnni256, 32},
                                   {"avx2", bytesMadd256, 32}};
constexpr PeakLoop kFloatLoops[] = {{"avx512f", floats512, 16},
                                    {"fma", floats256, 8}};
constexpr PeakLoop kBf16Loops[] = {{"avx512bf16", bf16Dots512, 32}};

void multiply(void *context, int) {
  clearRegisters();
  static_cast<const PeakLoop *>(context)->run(kDotRounds);
  asm volatile("vzeroupper");
}

/// `amount` per second in the best of kRuns.
double best(ThreadPool &pool, ThreadPool::Job job, void *task, double amount) {
  double most = 0;
  for (int run = 0; run < kRuns; ++run) {
    auto start = std::chrono::steady_clock::now();
    pool.run(job, task);
    std::chrono::duration<double> took =
        std::chrono::steady_clock::now() - start;
    most = std::max(most, amount / took.count());
  }
  return most;
}

/// 0 if the processor has none of the loops.
double peak(ThreadPool &pool, std::span<const PeakLoop> loops) {
  for (PeakLoop loop : loops)
    if (hasCpuFeature(loop.feature))
      return best(pool, multiply, &loop,
                  12.0 * loop.products * kDotRounds * pool.threads());
  return 0;
}

#endif

} // namespace

Result<MachineLimits> probeMachine(ThreadPool &pool) {
  MachineLimits limits;
#if defined(__x86_64__)
  if (!hasCpuFeature("avx2"))
    return limits;
  const uint64_t bytes = kReadBytes * pool.threads();
  // Prefetches may run past the end; they never fault.
  Result<MappedMemory> memory = MappedMemory::reserve(bytes, "the read probe");
  if (!memory.ok())
    return memory.status();
  madvise(memory->data(), bytes, MADV_HUGEPAGE);
  std::memset(memory->data(), 1, bytes);
  for (uint64_t ahead : {0, 2048, 4096}) {
    Reading task = {memory->data(), ahead};
    limits.readBytes =
        std::max(limits.readBytes, best(pool, readAll, &task, double(bytes)));
  }
  limits.byteProducts = peak(pool, kByteLoops);
  limits.floatProducts = peak(pool, kFloatLoops);
  limits.bf16Products = peak(pool, kBf16Loops);
#else
  (void)pool;
#endif
  return limits;
}

} // namespace sinter
