/// Ampere for desktops, as in the GeForce RTX 3090. Source: NVIDIA's GA102
/// whitepaper (tensor rates with float32 sums); limits per multiprocessor from
/// the CUDA C++ Programming Guide.
#include "codegen/cuda/CudaTarget.h"

namespace sinter {

extern const CudaTarget sm86Target = {
    .name = "sm_86",
    .alias = "",
    .chip = "GeForce RTX 3090",
    .features = "mma",
    .multiprocessors = 82,
    .sharedPerBlock = 99 << 10,
    .sharedPerSm = 100 << 10,
    .registersPerSm = 64 << 10,
    .warpsPerSm = 48,
    .blocksPerSm = 16,
    .l2 = 6 << 20,
    .bandwidth = 936e9,
    .clock = 1.70e9,
    .peaks = {.f32 = 35.6e12,
              .f16 = 71e12,
              .bf16 = 71e12,
              .int8 = 284e12,
              .fp8 = 0,
              .fp4 = 0},
};

} // namespace sinter
