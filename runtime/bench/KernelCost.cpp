/// Reads the session's profile.
#include "runtime/bench/KernelCost.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace sinter {

static uint64_t noCounter() { return 0; }

Result<std::map<std::string, double>>
kernelCosts(Session &session, const Plan &plan, const BenchTest &test) {
  auto timed = runTest(session, plan, test, 1, noCounter, true);
  if (!timed.ok())
    return timed.status();
  std::map<std::string, double> costs;
  std::span<const LaunchTime> times = session.profile();
  for (const PlanRegime &regime : plan.regimes)
    for (uint32_t i = 0; i < regime.launchCount; ++i) {
      uint32_t at = regime.firstLaunch + i;
      if (times[at].steps == 0)
        continue;
      double seconds = times[at].work;
      if (i + 1 < regime.launchCount)
        seconds += times[at + 1].wait;
      std::string name(
          plan.string(plan.kernels[plan.launches[at].kernel].name));
      costs[name] += seconds / double(times[at].steps);
    }
  session.stopProfile();
  return costs;
}

static double medianOf(std::vector<double> values) {
  auto middle = values.begin() + ptrdiff_t(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

Gain gainOf(const Pairs &pairs) {
  assert(!pairs.before.empty() && pairs.before.size() == pairs.after.size());
  std::vector<double> gains;
  for (size_t i = 0; i < pairs.before.size(); ++i)
    gains.push_back(1 - pairs.after[i] / pairs.before[i]);
  Gain gain;
  gain.median = medianOf(gains);
  for (double &value : gains)
    value = std::abs(value - gain.median);
  // Of a normal distribution, the standard deviation.
  gain.sigma = 1.4826 * medianOf(gains);
  return gain;
}

bool Gain::promotes() const { return median > std::max(0.02, 3 * sigma); }
bool Gain::loses() const { return -median > std::max(0.02, 3 * sigma); }

} // namespace sinter
