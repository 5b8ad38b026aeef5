/// Walks the launches of a step on all threads.
#ifndef SINTER_RUNTIME_CPU_LAUNCHLIST_H
#define SINTER_RUNTIME_CPU_LAUNCHLIST_H

#include "runtime/ArtifactFormat.h"
#include "runtime/cpu/ThreadPool.h"

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
  bool barrier;
};

/// Work items of `launch` in a step.
int64_t itemCount(const BoundLaunch &launch, const Batch &batch);

/// Runs the list once: every thread goes through all of it and works on its
/// contiguous part of each launch. Returns when all is done.
void runLaunches(ThreadPool &pool, std::span<const BoundLaunch> launches,
                 const Batch &batch);

} // namespace sinter

#endif // SINTER_RUNTIME_CPU_LAUNCHLIST_H
