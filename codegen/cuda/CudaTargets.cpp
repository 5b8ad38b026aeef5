/// The list of targets, generated from the files in targets/.
#include "codegen/cuda/CudaTarget.h"

#include "codegen/cuda/CudaTargetList.h"

namespace sinter {

std::span<const CudaTarget *const> cudaTargets() { return kCudaTargetList; }

const CudaTarget *findCudaTarget(std::string_view name) {
  for (const CudaTarget *target : cudaTargets())
    if (name == target->name ||
        (!target->alias.empty() && name == target->alias))
      return target;
  return nullptr;
}

} // namespace sinter
