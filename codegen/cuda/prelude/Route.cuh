// The experts of each token and their weights: a warp for each token, whose
// lanes hold the experts in registers.
namespace sinter::cuda {

constexpr unsigned kRouteThreads = kWarp;
/// Sums of weights are divided by no less: the smallest normal half, as the
/// reference implementation has it.
constexpr float leastSum() { return 6.103515625e-5f; }

enum class Scoring { Softmax, Sigmoid, SoftmaxChosen };

inline int warpOr(int value) {
  for (unsigned mask = kWarp / 2; mask; mask /= 2)
    value |= shuffleXor(value, mask);
  return value;
}
inline int warpMin(int value) {
  for (unsigned mask = kWarp / 2; mask; mask /= 2)
    value = min(value, shuffleXor(value, mask));
  return value;
}

/// `Shape` lists experts, top, groups, usedGroups, groupBest, scoring, stride,
/// bias, normalise, scale() and expertScale.
template <typename Shape> struct Router {
  /// Lane l has experts l, l + 32 ...
  static constexpr unsigned each = (Shape::experts + kWarp - 1) / kWarp;
  static_assert(Shape::groups <= kWarp && Shape::top <= kWarp,
                "a lane has one group, and one of the chosen");

  float scores[each];    ///< 0 behind the last expert
  float selection[each]; ///< what the best are found by
  int id = 0;            ///< of lane s: the expert in slot s
  float weight = 0;      ///< and its weight

  static int expert(unsigned i) { return int(i * kWarp + laneIndex()); }
  static bool exists(unsigned i) { return expert(i) < int(Shape::experts); }
  static bool chosen() { return laneIndex() < Shape::top; }

  /// The first of the largest; the last expert if there is a NaN.
  int best() const {
    float most = -infinity();
#pragma unroll
    for (unsigned i = 0; i < each; ++i)
      most = fmaxf(most, selection[i]);
    most = warpMax(most);
    int first = Shape::experts - 1;
#pragma unroll
    for (unsigned i = 0; i < each; ++i)
      if (selection[i] == most)
        first = min(first, expert(i));
    return warpMin(first);
  }

  void score(const float *logits) {
    float most = -infinity(), sum = 0;
#pragma unroll
    for (unsigned i = 0; i < each; ++i) {
      scores[i] = exists(i) ? load(logits + expert(i)) : -infinity();
      most = fmaxf(most, scores[i]);
    }
    most = warpMax(most);
#pragma unroll
    for (unsigned i = 0; i < each; ++i) {
      if constexpr (Shape::scoring == Scoring::Softmax)
        scores[i] = expf(scores[i] - most);
      else if constexpr (Shape::scoring == Scoring::Sigmoid)
        scores[i] = 1.0f / (1.0f + expf(-scores[i]));
      sum += scores[i];
    }
    if constexpr (Shape::scoring == Scoring::Softmax) {
      sum = warpSum(sum);
#pragma unroll
      for (unsigned i = 0; i < each; ++i)
        scores[i] /= sum;
    }
  }

  void select(const float *bias) {
#pragma unroll
    for (unsigned i = 0; i < each; ++i) {
      selection[i] = exists(i) ? scores[i] : -infinity();
      if constexpr (Shape::bias)
        if (exists(i))
          selection[i] += load(bias + expert(i));
    }
    if constexpr (Shape::groups > 1)
      maskGroups();
  }

  /// The sum of the best of a group, or of its two best.
  float groupScore(unsigned group) const {
    constexpr unsigned size = Shape::experts / Shape::groups;
    constexpr bool both = Shape::groupBest == 2 && size > 1;
    float first = -infinity(), second = both ? -infinity() : 0.0f;
#pragma unroll
    for (unsigned i = 0; i < each; ++i) {
      if (unsigned(expert(i)) / size != group)
        continue;
      if constexpr (both)
        second = fmaxf(second, fminf(first, selection[i]));
      first = fmaxf(first, selection[i]);
    }
    for (unsigned mask = kWarp / 2; mask; mask /= 2) {
      const float other = shuffleXor(first, mask);
      if constexpr (both)
        second =
            fmaxf(fmaxf(second, shuffleXor(second, mask)), fminf(first, other));
      first = fmaxf(first, other);
    }
    return first + second;
  }

  /// Experts of groups that are not among the best cannot be chosen.
  void maskGroups() {
    float own = -infinity(); // of the lane's group
    for (unsigned group = 0; group < Shape::groups; ++group) {
      const float score = groupScore(group);
      if (laneIndex() == group)
        own = score;
    }
    bool free = laneIndex() < Shape::groups;
    int used = 0;
    for (unsigned i = 0; i < Shape::usedGroups; ++i) {
      const float most = warpMax(free ? own : -infinity());
      const int first =
          warpMin(free && own == most ? int(laneIndex()) : int(kWarp));
      if (first == int(laneIndex()))
        free = false;
      used |= first < int(kWarp) ? 1 << first : 0;
    }
#pragma unroll
    for (unsigned i = 0; i < each; ++i)
      if (!(used >> expert(i) / int(Shape::experts / Shape::groups) & 1))
        selection[i] = -infinity();
  }

  void choose() {
    for (unsigned slot = 0; slot < Shape::top; ++slot) {
      const int number = best();
      float score = 0;
#pragma unroll
      for (unsigned i = 0; i < each; ++i) {
        if (expert(i) != number)
          continue;
        score = scores[i];
        selection[i] = -infinity();
      }
      score = warpSum(score); // of the one lane that has it
      if (laneIndex() != slot)
        continue;
      id = number;
      weight = score;
    }
  }

  void finish(const float *expertScale) {
    if constexpr (Shape::scoring == Scoring::SoftmaxChosen) {
      const float most = warpMax(chosen() ? weight : -infinity());
      weight = chosen() ? expf(weight - most) : 0.0f;
      weight /= warpSum(weight);
    }
    if constexpr (Shape::normalise)
      weight /= fmaxf(warpSum(weight), leastSum());
    if constexpr (Shape::scale() != 1.0f)
      weight *= Shape::scale();
    if constexpr (Shape::expertScale)
      if (chosen())
        weight *= load(expertScale + id);
  }
};

template <typename Shape>
inline void route(void *const *operands, const Batch &) {
  unsigned next = 0;
  const auto *logits = static_cast<const float *>(operands[next++]);
  const auto *bias = static_cast<const float *>(operands[next]);
  next += Shape::bias;
  const auto *expertScale = static_cast<const float *>(operands[next]);
  next += Shape::expertScale;
  auto *ids = static_cast<int32_t *>(operands[next++]);
  auto *weights = static_cast<float *>(operands[next++]);
  Router<Shape> router;
  router.score(logits + itemIndex() * Shape::stride);
  router.select(bias);
  router.choose();
  router.finish(expertScale);
  if (!router.chosen())
    return;
  store(ids + itemIndex() * Shape::top + laneIndex(), router.id);
  store(weights + itemIndex() * Shape::top + laneIndex(), router.weight);
}

} // namespace sinter::cuda
