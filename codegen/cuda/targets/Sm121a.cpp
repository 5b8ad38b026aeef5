/// GB10, as in the DGX Spark. Source: NVIDIA's Hot Chips 2025 material
/// (6144 lanes, 31 TF of float32, 24 MB of L2) and the DGX Spark's data sheet
/// (273 GB/s). Tensor rates are derived: those of a multiprocessor of the RTX
/// 5090, bfloat16 twice of that; nobody has measured them here. Limits per
/// multiprocessor from the CUDA C++ Programming Guide.
#include "codegen/cuda/CudaTarget.h"

namespace sinter {

extern const CudaTarget sm121aTarget = {
    .name = "sm_121a",
    .alias = "sm_121",
    .chip = "GB10",
    .features = "mma,fp4,early",
    .multiprocessors = 48,
    .sharedPerBlock = 99 << 10,
    .sharedPerSm = 100 << 10,
    .registersPerSm = 64 << 10,
    .warpsPerSm = 48,
    .blocksPerSm = 24,
    .l2 = 24 << 20,
    .bandwidth = 273e9,
    .clock = 2.5e9,
    .peaks = {.f32 = 31e12,
              .f16 = 123e12,
              .bf16 = 123e12,
              .int8 = 246e12,
              .fp8 = 246e12,
              .fp4 = 490e12},
};

} // namespace sinter
