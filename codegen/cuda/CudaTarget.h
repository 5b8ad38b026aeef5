/// Facts of the GPUs that code is made for: one file each in targets/, from
/// which the build makes the list.
#ifndef SINTER_CODEGEN_CUDA_CUDATARGET_H
#define SINTER_CODEGEN_CUDA_CUDATARGET_H

#include <cstdint>
#include <span>
#include <string_view>

namespace sinter {

/// Dense operations a second (two for each multiply-add); 0: has none.
struct CudaPeaks {
  double f32, f16, bf16, int8, fp8, fp4;
};

/// One architecture, with the chip of it that most users have. Numbers that no
/// source gives are derived as the file says.
struct CudaTarget {
  std::string_view name;  ///< as NVRTC takes it: "sm_121a"
  std::string_view alias; ///< what else users call it; may be empty
  std::string_view chip;
  /// Instructions that kernels may use, with commas between: `mma` (tiles of
  /// bytes 16x8x32, of F16 and BF16 16x8x16 and of TF32 16x8x8, and copies to
  /// shared memory that go on by themselves: all came with sm_80), `fp4` (tiles
  /// of scaled 4-bit floats), `wgmma` (products of four warps, barriers in
  /// shared memory and bulk copies: sm_90a alone), `early` (a kernel may begin
  /// before the one that it depends on has ended: sm_90).
  std::string_view features;
  unsigned multiprocessors;
  unsigned sharedPerBlock; ///< bytes that one block may use
  unsigned sharedPerSm;
  unsigned registersPerSm; ///< 32-bit
  unsigned warpsPerSm;     ///< resident at once
  unsigned blocksPerSm;    ///< the same
  uint64_t l2;             ///< bytes
  double bandwidth;        ///< of the device memory, bytes a second
  double clock;            ///< boost, cycles a second
  CudaPeaks peaks;
};

/// All of them, in the order of their files' names.
std::span<const CudaTarget *const> cudaTargets();

/// The target with this name or alias; null if there is none.
const CudaTarget *findCudaTarget(std::string_view name);

} // namespace sinter

#endif // SINTER_CODEGEN_CUDA_CUDATARGET_H
