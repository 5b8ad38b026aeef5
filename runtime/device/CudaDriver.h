/// A GPU through NVIDIA's driver.
#ifndef SINTER_RUNTIME_DEVICE_CUDADRIVER_H
#define SINTER_RUNTIME_DEVICE_CUDADRIVER_H

#include "runtime/device/DeviceDriver.h"

#include <cstdint>
#include <memory>

namespace sinter {

/// What is known of a GPU before its memory is used.
struct GpuFacts {
  int ordinal = 0; ///< among those that CUDA_VISIBLE_DEVICES leaves
  std::string name;
  uint32_t capability = 0; ///< 121
  bool unified = false;    ///< its memory is this machine's
  int driver = 0;          ///< CUDA version of its driver: 13000
};

/// Errors: Unsupported without a driver or such a GPU, saying what to do.
Result<GpuFacts> findGpu(int ordinal);

/// Of an artifact's targets, the one that a GPU runs best, and what its user
/// should know of that. Errors: Unsupported, with both their names.
struct GpuChoice {
  size_t target = 0;
  std::string note;
};
Result<GpuChoice> chooseTarget(const Artifact &artifact, const GpuFacts &gpu);

Result<std::unique_ptr<DeviceDriver>> createCudaDriver(const GpuFacts &gpu);

} // namespace sinter

#endif // SINTER_RUNTIME_DEVICE_CUDADRIVER_H
