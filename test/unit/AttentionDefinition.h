/// Attention as its definition has it, in double precision: what tests of its
/// kernels compare with.
#ifndef SINTER_TEST_UNIT_ATTENTIONDEFINITION_H
#define SINTER_TEST_UNIT_ATTENTIONDEFINITION_H

#include <cmath>
#include <cstddef>
#include <vector>

namespace sinter::test {

/// One head of the token at `position`, which sees the last `window` keys (0:
/// all): `values` numbers. `score(t)` is that of key t, `value(t, d)` element d
/// of its value; `sink` is a score whose value is zero, null: there is none.
template <typename Score, typename ValueAt>
std::vector<double> attentionRow(unsigned position, unsigned window,
                                 const float *sink, unsigned values,
                                 Score score, ValueAt value) {
  std::vector<double> sums(values);
  double total = sink ? std::exp(double(*sink)) : 0;
  unsigned first = window && position + 1 > window ? position + 1 - window : 0;
  for (unsigned t = first; t <= position; ++t) {
    double weight = std::exp(score(t));
    total += weight;
    for (unsigned d = 0; d < values; ++d)
      sums[d] += weight * value(t, d);
  }
  for (double &sum : sums)
    sum /= total;
  return sums;
}

/// Scores beyond ±`softcap` bend towards it; 0: they do not.
inline double capped(double score, double softcap) {
  return softcap != 0 ? softcap * std::tanh(score / softcap) : score;
}

/// Mean square of the difference of `output`, rows of `heads` times `values`
/// numbers, to `row(token, head)`, relative to its own.
template <typename Row>
double attentionError(unsigned tokens, unsigned heads, unsigned values,
                      const std::vector<float> &output, Row row) {
  double error = 0, square = 0;
  for (unsigned token = 0; token < tokens; ++token)
    for (unsigned head = 0; head < heads; ++head) {
      std::vector<double> want = row(token, head);
      for (unsigned d = 0; d < values; ++d) {
        double got = output[(size_t(token) * heads + head) * values + d];
        error += (got - want[d]) * (got - want[d]);
        square += want[d] * want[d];
      }
    }
  return error / square;
}

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_ATTENTIONDEFINITION_H
