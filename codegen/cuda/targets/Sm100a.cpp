/// Blackwell for data centres, as in the B200. Source: NVIDIA's Blackwell data
/// sheet, half of the sparse rates where it gives only those; clock and L2 as
/// public reports have them; limits per multiprocessor from the CUDA C++
/// Programming Guide.
#include "codegen/cuda/CudaTarget.h"

namespace sinter {

extern const CudaTarget sm100aTarget = {
    .name = "sm_100a",
    .alias = "sm_100",
    .chip = "B200",
    .features = "mma,early",
    .multiprocessors = 148,
    .sharedPerBlock = 227 << 10,
    .sharedPerSm = 228 << 10,
    .registersPerSm = 64 << 10,
    .warpsPerSm = 64,
    .blocksPerSm = 32,
    .l2 = 126 << 20,
    .bandwidth = 8000e9,
    .clock = 1.9e9,
    .peaks = {.f32 = 75e12,
              .f16 = 2250e12,
              .bf16 = 2250e12,
              .int8 = 4500e12,
              .fp8 = 4500e12,
              .fp4 = 9000e12},
};

} // namespace sinter
