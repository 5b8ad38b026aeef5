/// Says whether a benchmark report is worse than an earlier one, by fixed
/// thresholds, so that a script can stop on it.
#ifndef SINTER_RUNTIME_BENCH_COMPARE_H
#define SINTER_RUNTIME_BENCH_COMPARE_H

#include "runtime/JsonText.h"
#include "runtime/Status.h"

#include <cstddef>
#include <span>
#include <string>

namespace sinter {

// Thresholds of the release checks that the project's reference records
// (seeds.md, rows I-0D and M-0C), as shares of the earlier figure.
inline constexpr double kDecodeDrop = 0.03;      ///< tokens/s: fails
inline constexpr double kDeepDecodeDrop = 0.15;  ///< behind a depth: fails
inline constexpr double kPrefillDrop = 0.05;     ///< warns
inline constexpr double kTailGrowth = 0.10;      ///< p95 of a step: fails
inline constexpr double kDeepTailRatio = 1.30;   ///< p95 deep / shallow: fails
inline constexpr double kTailRatioGrowth = 0.20; ///< of that ratio: fails
inline constexpr double kMaxLoadMs = 11000;      ///< warns

struct Comparison {
  bool failed = false;
  std::string text; ///< a line for each finding and each test
  Json json;        ///< {failed, tests: [...], findings: [...]}
};

/// A report of `bench --json` that has every field that is compared. Errors:
/// CorruptData, saying what is missing.
Result<Json> parseBenchReport(std::span<const std::byte> text);

/// Compares two such reports. A test of the baseline that is
/// missing in the later report fails.
Comparison compareReports(const Json &baseline, const Json &current);

/// The same for two files. Errors: NotFound; CorruptData, naming the file and
/// what it lacks.
Result<Comparison> compareReports(const std::string &baseline,
                                  const std::string &current);

} // namespace sinter

#endif // SINTER_RUNTIME_BENCH_COMPARE_H
