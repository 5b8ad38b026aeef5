/// Ampere, as in the A100 SXM with 80 GB. Source: NVIDIA's A100 whitepaper and
/// data sheet; limits per multiprocessor from the CUDA C++ Programming Guide.
#include "codegen/cuda/CudaTarget.h"

namespace sinter {

extern const CudaTarget sm80Target = {
    .name = "sm_80",
    .alias = "",
    .chip = "A100 SXM 80 GB",
    .features = "mma",
    .multiprocessors = 108,
    .sharedPerBlock = 163 << 10,
    .sharedPerSm = 164 << 10,
    .registersPerSm = 64 << 10,
    .warpsPerSm = 64,
    .blocksPerSm = 32,
    .l2 = 40 << 20,
    .bandwidth = 2039e9,
    .clock = 1.41e9,
    .peaks = {.f32 = 19.5e12,
              .f16 = 312e12,
              .bf16 = 312e12,
              .int8 = 624e12,
              .fp8 = 0,
              .fp4 = 0},
};

} // namespace sinter
