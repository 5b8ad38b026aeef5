/// Ada, as in the GeForce RTX 4090. Source: NVIDIA's Ada whitepaper (tensor
/// rates with float32 sums); limits per multiprocessor from the CUDA C++
/// Programming Guide.
#include "codegen/cuda/CudaTarget.h"

namespace sinter {

extern const CudaTarget sm89Target = {
    .name = "sm_89",
    .alias = "",
    .chip = "GeForce RTX 4090",
    .features = "mma",
    .multiprocessors = 128,
    .sharedPerBlock = 99 << 10,
    .sharedPerSm = 100 << 10,
    .registersPerSm = 64 << 10,
    .warpsPerSm = 48,
    .blocksPerSm = 24,
    .l2 = 72 << 20,
    .bandwidth = 1008e9,
    .clock = 2.52e9,
    .peaks = {.f32 = 82.6e12,
              .f16 = 165e12,
              .bf16 = 165e12,
              .int8 = 660e12,
              .fp8 = 330e12,
              .fp4 = 0},
};

} // namespace sinter
