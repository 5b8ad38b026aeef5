/// Turing, as in the Tesla T4. Source: NVIDIA's Turing architecture whitepaper
/// (2018) and the T4's data sheet; limits per multiprocessor from the CUDA C++
/// Programming Guide, table of compute capabilities.
#include "codegen/cuda/CudaTarget.h"

namespace sinter {

extern const CudaTarget sm75Target = {
    .name = "sm_75",
    .alias = "",
    .chip = "Tesla T4",
    .features = "",
    .multiprocessors = 40,
    .sharedPerBlock = 64 << 10,
    .sharedPerSm = 64 << 10,
    .registersPerSm = 64 << 10,
    .warpsPerSm = 32,
    .blocksPerSm = 16,
    .l2 = 4 << 20,
    .bandwidth = 320e9,
    .clock = 1.59e9,
    .peaks = {.f32 = 8.1e12,
              .f16 = 65e12,
              .bf16 = 0,
              .int8 = 130e12,
              .fp8 = 0,
              .fp4 = 0},
};

} // namespace sinter
