/// What a step moves and multiplies, from the plan alone, so that a time can be
/// set against the limits of the machine.
#ifndef SINTER_RUNTIME_BENCH_WORK_H
#define SINTER_RUNTIME_BENCH_WORK_H

#include "runtime/Plan.h"

#include <cstdint>

namespace sinter {

/// The shape of one step: `sequences` of them, each of `tokens` new tokens
/// behind `depth` earlier ones, with `outputs` rows of logits in all.
struct StepShape {
  uint32_t sequences = 1;
  uint32_t tokens = 1;
  uint32_t depth = 0;
  uint32_t outputs = 0;
};

struct Work {
  double weightBytes = 0;
  double cacheBytes = 0; ///< keys and values attended to, recurrent states
  double products = 0;   ///< multiply-adds
  uint32_t launches = 0;
  uint32_t barriers = 0;

  Work &operator+=(const Work &other);
};

/// The work of one launch of the plan in such a step.
Work launchWork(const Plan &plan, const PlanLaunch &launch, StepShape shape);

/// The work of a whole step, by the regime that such a step takes. A cache is
/// read once per sequence, whatever the number of its new tokens.
Work stepWork(const Plan &plan, StepShape shape);

} // namespace sinter

#endif // SINTER_RUNTIME_BENCH_WORK_H
