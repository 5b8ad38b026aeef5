/// Where the time of a test goes, kernel by kernel.
#ifndef SINTER_RUNTIME_BENCH_EXPLAIN_H
#define SINTER_RUNTIME_BENCH_EXPLAIN_H

#include "runtime/Prediction.h"
#include "runtime/Session.h"
#include "runtime/bench/Tests.h"

#include <string>
#include <vector>

namespace sinter {

/// All launches of one kernel in one step, on the first thread.
struct KernelTime {
  std::string kernel;
  uint32_t launches = 0;
  double work = 0;      ///< seconds in the kernel
  double wait = 0;      ///< seconds at the barriers before it
  Work done;            ///< by all threads
  double predicted = 0; ///< seconds by the cost model, wait and work; 0: none
};

/// Runs one step of `test` under the clock, `repeat` times, and averages; the
/// longest comes first. `model`, if not null, predicts for the session's
/// threads. Errors: those of Session::step().
Result<std::vector<KernelTime>> explainStep(Session &session, const Plan &plan,
                                            const BenchTest &test,
                                            uint32_t repeat,
                                            const CostModel *model = nullptr);

} // namespace sinter

#endif // SINTER_RUNTIME_BENCH_EXPLAIN_H
