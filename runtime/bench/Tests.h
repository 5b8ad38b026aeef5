/// The tests of `bench`, named as llama-bench and llama-batched-bench name
/// theirs, and the clock around them.
#ifndef SINTER_RUNTIME_BENCH_TESTS_H
#define SINTER_RUNTIME_BENCH_TESTS_H

#include "runtime/Session.h"
#include "runtime/bench/Work.h"

#include <string>
#include <vector>

namespace sinter {

/// `tokens` to prefill or to decode in each of `sequences`, behind `depth`
/// earlier ones.
struct BenchTest {
  bool decode = false;
  uint32_t tokens = 0;
  uint32_t depth = 0;
  uint32_t sequences = 1;
  /// Steps that decode also choose tokens, where logits need not leave the
  /// device for that: as `run` does by default.
  bool choose = false;

  /// pp512, tg128, tg128@d4096, tg128@b8.
  std::string name() const;

  /// Of each sequence.
  uint64_t positions() const { return uint64_t(depth) + tokens; }
};

struct BenchTiming {
  std::vector<double> seconds; ///< of each run, ascending
  std::vector<double> steps;   ///< of each step of all runs, ascending
  uint64_t allocations = 0;    ///< while the steps ran
  StateTraffic states;         ///< of them, recurrent
  Work work;                   ///< of one run
  uint32_t runSteps = 0;       ///< steps of one run

  double median() const { return seconds[seconds.size() / 2]; }
};

/// Element at `fraction` of an ascending list that is not empty.
double quantile(const std::vector<double> &ascending, double fraction);

/// Counts the allocations of this process so far.
using AllocationCounter = uint64_t (*)();

/// Runs `test` once to warm up and `repeat` times for the clock; with `profile`
/// the session's launches are timed meanwhile (Session::profile()). Errors:
/// OutOfRange when the context is too short; those of Session::step().
Result<BenchTiming> runTest(Session &session, const Plan &plan,
                            const BenchTest &test, uint32_t repeat,
                            AllocationCounter allocations,
                            bool profile = false);

} // namespace sinter

#endif // SINTER_RUNTIME_BENCH_TESTS_H
