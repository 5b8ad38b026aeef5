/// Sums up the work that the compiler noted beside each launch.
#include "runtime/bench/Work.h"

#include <algorithm>
#include <cmath>

namespace sinter {

Work &Work::operator+=(const Work &other) {
  weightBytes += other.weightBytes;
  cacheBytes += other.cacheBytes;
  products += other.products;
  launches += other.launches;
  barriers += other.barriers;
  return *this;
}

/// Positions that the tokens of a sequence's step attend to, on average: the
/// token at position p has p + 1, or those of its window (0: none).
static double attended(double depth, double tokens, double window) {
  if (window == 0 || depth + tokens <= window)
    return depth + (tokens + 1) / 2;
  const double growing = std::max(0.0, window - depth);
  return (growing * (depth + (growing + 1) / 2) + (tokens - growing) * window) /
         tokens;
}

/// Positions whose keys and values such a step reads.
static double heldPositions(double depth, double tokens, double window) {
  return window == 0 ? depth + tokens : std::min(depth, window - 1) + tokens;
}

Work launchWork(const Plan &plan, const PlanLaunch &launch, StepShape shape) {
  const double tokens = double(shape.sequences) * shape.tokens;
  Work work;
  work.launches = 1;
  // Threads divide the shares, where there are any.
  work.barriers = launch.barrier == LaunchBarrier::Always ||
                  (launch.barrier != LaunchBarrier::None && tokens > 1);
  // Rows choose experts alike and apart from each other.
  work.weightBytes = double(launch.weightBytes) *
                     (1 - std::pow(1 - double(launch.weightShare), tokens));
  work.products = double(launch.products) *
                  (launch.workRows ? double(shape.outputs) : tokens);
  // Without wanted rows nothing of the head is read.
  if (launch.workRows && shape.outputs == 0)
    work.weightBytes = 0;
  work.cacheBytes =
      double(launch.stateBytes + launch.copiedBytes) * shape.sequences;
  if (!launch.cacheProducts)
    return work;
  double window = 0;
  for (uint32_t i = 0; i < launch.operandCount; ++i) {
    const PlanOperand &operand = plan.operands[launch.firstOperand + i];
    if (operand.kind != OperandKind::State)
      continue;
    const PlanState &state = plan.states[operand.index];
    window = state.window;
    work.cacheBytes += double(state.pageBytes) / plan.pageTokens *
                       shape.sequences *
                       heldPositions(shape.depth, shape.tokens, window);
  }
  work.products += double(launch.cacheProducts) * tokens *
                   attended(shape.depth, shape.tokens, window);
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
