/// Sums up the work that the compiler noted beside each launch.
#include "runtime/bench/Work.h"

#include <algorithm>

namespace sinter {

Work &Work::operator+=(const Work &other) {
  weightBytes += other.weightBytes;
  cacheBytes += other.cacheBytes;
  products += other.products;
  launches += other.launches;
  barriers += other.barriers;
  return *this;
}

Work launchWork(const Plan &plan, const PlanLaunch &launch, StepShape shape) {
  const double tokens = double(shape.sequences) * shape.tokens;
  // The token at position p attends to p + 1 positions.
  const double positions = shape.depth + (shape.tokens + 1) / 2.0;
  Work work;
  work.launches = 1;
  work.barriers = launch.barrier == LaunchBarrier::Always ||
                  (launch.barrier == LaunchBarrier::Batch && tokens > 1);
  work.weightBytes = double(launch.weightBytes);
  work.products = double(launch.products) *
                      (launch.workRows ? double(shape.outputs) : tokens) +
                  double(launch.cacheProducts) * tokens * positions;
  // Without wanted rows nothing of the head is read.
  if (launch.workRows && shape.outputs == 0)
    work.weightBytes = 0;
  work.cacheBytes =
      double(launch.stateBytes + launch.copiedBytes) * shape.sequences;
  if (launch.cacheProducts)
    for (uint32_t i = 0; i < launch.operandCount; ++i) {
      const PlanOperand &operand = plan.operands[launch.firstOperand + i];
      if (operand.kind == OperandKind::State)
        work.cacheBytes += double(plan.states[operand.index].pageBytes) /
                           plan.pageTokens * shape.sequences *
                           (shape.depth + shape.tokens);
    }
  return work;
}

Work stepWork(const Plan &plan, StepShape shape) {
  auto regime = std::find_if(
      plan.regimes.begin(), plan.regimes.end(), [&](const PlanRegime &r) {
        return r.maxTokens >= shape.sequences * shape.tokens;
      });
  Work sum;
  if (regime == plan.regimes.end())
    return sum;
  for (uint32_t i = 0; i < regime->launchCount; ++i)
    sum += launchWork(plan, plan.launches[regime->firstLaunch + i], shape);
  return sum;
}

} // namespace sinter
