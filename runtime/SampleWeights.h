/// How likely tokens are relative to each other, by additions, multiplications
/// and divisions alone, so that processors and GPUs choose the same token from
/// the same logits. This text is compiled into kernels too.
#ifndef SINTER_RUNTIME_SAMPLEWEIGHTS_H
#define SINTER_RUNTIME_SAMPLEWEIGHTS_H

#include <cstdint>
#include <cstring>

namespace sinter {

/// Sums over a whole vocabulary go in so many runs of adjacent ids, each in
/// order, and then over the runs, so that as many threads can share them.
inline constexpr uint32_t kSumRuns = 1024;

inline uint32_t sumRunLength(uint32_t vocabulary) {
  return (vocabulary + kSumRuns - 1) / kSumRuns;
}

/// e^x for x <= 0, to 2 units in the last place; 0 below -708, where doubles
/// end. No library's exp(), since they differ, and nothing may be contracted
/// to fused operations.
inline double exactExp(double x) {
  if (!(x >= -708.0))
    return 0;
  // x = n ln 2 + r; the parts of ln 2 and this way of rounding are fdlibm's.
  const double whole = 0x1.8p52;
  const double n = (x * 0x1.71547652b82fep0 + whole) - whole;
  const double r = x - n * 0x1.62e42feep-1 - n * 0x1.a39ef35793c76p-33;
  // Taylor's series, |r| < 0.35: the next term is below 2^-57.
  double sum = 1.0 / 6227020800.0;
  sum = sum * r + 1.0 / 479001600.0;
  sum = sum * r + 1.0 / 39916800.0;
  sum = sum * r + 1.0 / 3628800.0;
  sum = sum * r + 1.0 / 362880.0;
  sum = sum * r + 1.0 / 40320.0;
  sum = sum * r + 1.0 / 5040.0;
  sum = sum * r + 1.0 / 720.0;
  sum = sum * r + 1.0 / 120.0;
  sum = sum * r + 1.0 / 24.0;
  sum = sum * r + 1.0 / 6.0;
  sum = sum * r + 0.5;
  sum = sum * r + 1;
  sum = sum * r + 1;
  const uint64_t bits = uint64_t(1023 + int(n)) << 52;
  double scale;
  memcpy(&scale, &bits, sizeof(scale));
  return sum * scale;
}

/// What a token weighs beside the likeliest. Equal infinities would subtract to
/// no number.
inline double sampleWeight(float logit, float greatest, double temperature) {
  return logit == greatest
             ? 1.0
             : exactExp((double(logit) - double(greatest)) / temperature);
}

} // namespace sinter

#endif // SINTER_RUNTIME_SAMPLEWEIGHTS_H
