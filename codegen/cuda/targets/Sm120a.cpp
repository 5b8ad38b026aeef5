/// Blackwell for desktops, as in the GeForce RTX 5090. Source: NVIDIA's RTX
/// Blackwell whitepaper (tensor rates with float32 sums); limits per
/// multiprocessor from the CUDA C++ Programming Guide.
#include "codegen/cuda/CudaTarget.h"

namespace sinter {

extern const CudaTarget sm120aTarget = {
    .name = "sm_120a",
    .alias = "sm_120",
    .chip = "GeForce RTX 5090",
    .features = "mma,fp4,early",
    .multiprocessors = 170,
    .sharedPerBlock = 99 << 10,
    .sharedPerSm = 100 << 10,
    .registersPerSm = 64 << 10,
    .warpsPerSm = 48,
    .blocksPerSm = 24,
    .l2 = 96 << 20,
    .bandwidth = 1792e9,
    .clock = 2.41e9,
    .peaks = {.f32 = 104.8e12,
              .f16 = 210e12,
              .bf16 = 210e12,
              .int8 = 838e12,
              .fp8 = 419e12,
              .fp4 = 1676e12},
};

} // namespace sinter
