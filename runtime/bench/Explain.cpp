/// Adds up the launches of a kernel: a model calls each in every layer.
#include "runtime/bench/Explain.h"

#include <algorithm>

namespace sinter {

static uint64_t noCounter() { return 0; }

/// One step of the test: a chunk of its prompt, or one token of each sequence.
static StepShape stepOf(const Session &session, const BenchTest &test) {
  uint32_t tokens = test.decode ? 1 : std::min(test.tokens, session.chunk());
  return {.sequences = test.sequences,
          .tokens = tokens,
          .depth = test.depth,
          .outputs = test.decode ? test.sequences : 1};
}

Result<std::vector<KernelTime>> explainStep(Session &session, const Plan &plan,
                                            const BenchTest &test,
                                            uint32_t repeat,
                                            const CostModel *model) {
  StepShape shape = stepOf(session, test);
  BenchTest step = test;
  step.tokens = shape.tokens;
  step.choose = false; // only the plan's launches are timed
  auto timed = runTest(session, plan, step, repeat, noCounter, true);
  if (!timed.ok())
    return timed.status();
  CostModel machine;
  if (model) {
    machine = *model;
    machine.rates.threads = session.threads();
  }
  std::vector<KernelTime> kernels;
  std::vector<uint32_t> place(plan.kernels.size(), UINT32_MAX);
  std::span<const LaunchTime> times = session.profile();
  for (size_t i = 0; i < plan.launches.size(); ++i) {
    if (times[i].steps == 0)
      continue;
    const PlanLaunch &launch = plan.launches[i];
    uint32_t &index = place[launch.kernel];
    if (index == UINT32_MAX) {
      index = static_cast<uint32_t>(kernels.size());
      kernels.emplace_back().kernel =
          plan.string(plan.kernels[launch.kernel].name);
    }
    KernelTime &kernel = kernels[index];
    ++kernel.launches;
    kernel.work += times[i].work / double(times[i].steps);
    kernel.wait += times[i].wait / double(times[i].steps);
    kernel.done += launchWork(plan, launch, shape);
    if (model)
      kernel.predicted += predictLaunch(machine, plan, launch, shape);
  }
  session.stopProfile();
  std::sort(kernels.begin(), kernels.end(),
            [](const KernelTime &a, const KernelTime &b) {
              return a.work + a.wait > b.work + b.wait;
            });
  return kernels;
}

} // namespace sinter
