/// Walks the launches of a step on all threads.
#ifndef SINTER_RUNTIME_CPU_LAUNCHLIST_H
#define SINTER_RUNTIME_CPU_LAUNCHLIST_H

#include "runtime/ArtifactFormat.h"
#include "runtime/Executor.h"
#include "runtime/cpu/ThreadPool.h"

#include <array>
#include <cstdint>
#include <span>

namespace sinter {

/// A PlanLaunch whose kernel and operands are addresses.
struct BoundLaunch {
  KernelFunction kernel;
  void *const *operands;
  ItemDimension dimension;
  uint32_t count;
  uint32_t tile;
  LaunchBarrier barrier;
  bool replicated;
  uint32_t shares = 0; ///< PlanLaunch::shares and parts
  std::array<uint32_t, kMaxParts> parts = {};
};

/// Work items of a launch in a step.
int64_t itemCount(ItemDimension dimension, uint32_t count, uint32_t tile,
                  const Batch &batch);
inline int64_t itemCount(const BoundLaunch &launch, const Batch &batch) {
  return itemCount(launch.dimension, launch.count, launch.tile, batch);
}

/// Runs the list once: every thread goes through all of it and works on its
/// contiguous part of each launch. Returns when all is done. Without a pool the
/// caller does it alone. `times`, if not empty, has an entry for each launch,
/// to which this step is added.
void runLaunches(ThreadPool *pool, std::span<const BoundLaunch> launches,
                 const Batch &batch, std::span<LaunchTime> times = {});

} // namespace sinter

#endif // SINTER_RUNTIME_CPU_LAUNCHLIST_H
