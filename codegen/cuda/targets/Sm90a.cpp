/// Hopper, as in the H100 SXM; an H200 has the same processors and memory of
/// 4800 GB/s. Source: NVIDIA's H100 whitepaper and data sheet; limits per
/// multiprocessor from the CUDA C++ Programming Guide.
#include "codegen/cuda/CudaTarget.h"

namespace sinter {

extern const CudaTarget sm90aTarget = {
    .name = "sm_90a",
    .alias = "sm_90",
    .chip = "H100 SXM",
    .features = "mma,wgmma,early",
    .multiprocessors = 132,
    .sharedPerBlock = 227 << 10,
    .sharedPerSm = 228 << 10,
    .registersPerSm = 64 << 10,
    .warpsPerSm = 64,
    .blocksPerSm = 32,
    .l2 = 50 << 20,
    .bandwidth = 3350e9,
    .clock = 1.83e9,
    .peaks = {.f32 = 67e12,
              .f16 = 989e12,
              .bf16 = 989e12,
              .int8 = 1979e12,
              .fp8 = 1979e12,
              .fp4 = 0},
};

} // namespace sinter
