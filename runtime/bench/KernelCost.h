/// How long each kernel of a plan takes in a step, with all threads: what tile
/// tuning compares.
#ifndef SINTER_RUNTIME_BENCH_KERNELCOST_H
#define SINTER_RUNTIME_BENCH_KERNELCOST_H

#include "runtime/Session.h"
#include "runtime/bench/Tests.h"

#include <map>
#include <string>
#include <vector>

namespace sinter {

/// Seconds by kernel, summed over its launches in one step of `test`. A launch
/// lasts until the slowest thread has ended it, where the next one waits for
/// that. Errors: those of runTest().
Result<std::map<std::string, double>>
kernelCosts(Session &session, const Plan &plan, const BenchTest &test);

/// Pairs of one measurement each, taken in turns.
struct Pairs {
  std::vector<double> before, after;
};

/// What a change gains, as a part of the time before.
struct Gain {
  double median = 0;
  double sigma = 0; ///< spread of the pairs, from their median deviation

  /// By the promotion rule of the project's reference (seeds.md, G-65).
  bool promotes() const;
  /// Whether it is a loss by the same rule.
  bool loses() const;
};

/// Pairs are the same in number and not empty.
Gain gainOf(const Pairs &pairs);

} // namespace sinter

#endif // SINTER_RUNTIME_BENCH_KERNELCOST_H
