/// What the kernels of a mixture of experts should give, in plain C++, for the
/// tests of every target family.
#ifndef SINTER_TEST_UNIT_EXPERTDEFINITIONS_H
#define SINTER_TEST_UNIT_EXPERTDEFINITIONS_H

#include "dialects/tile/Experts.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <string>
#include <vector>

namespace sinter::test {

inline constexpr unsigned kExperts = 16, kTop = 4, kTokens = 7;

inline std::vector<float> normal(size_t count, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<float> draw;
  std::vector<float> values(count);
  for (float &value : values)
    value = draw(random);
  return values;
}

/// How one route scores, and what its attribute says of it.
struct Route {
  const char *name, *scoring;
  bool bias, normalise;
  unsigned groups, usedGroups;
  double scale;
  bool expertScale = false;
  unsigned groupBest = 2;

  std::string kernel() const {
    return fmt::format(
        "tile.kernel @{} #tile.route<experts = {}, top = {}, scoring = \"{}\", "
        "stride = {}, bias = {}, normalise = {}, groups = {}, usedGroups = {}, "
        "groupBest = {}, scale = {:e} : f64, expertScale = {}> {{}}\n",
        name, kExperts, kTop, scoring, kExperts, bias, normalise, groups,
        usedGroups, groupBest, scale, expertScale);
  }
};

inline constexpr Route kRoutes[] = {
    {"softmax", "softmax", false, false, 1, 1, 1.0},
    {"normalised", "softmax", false, true, 1, 1, 1.0},
    {"sigmoid", "sigmoid", true, true, 1, 1, 2.5},
    {"grouped", "sigmoid", true, true, 4, 2, 1.0},
    {"chosen", "softmax_chosen", false, false, 1, 1, 1.0},
    {"limited", "softmax", false, false, 4, 2, 1.0, false, 1},
    {"scaled", "softmax", true, true, 1, 1, 0.5, true}};

struct Chosen {
  std::vector<int32_t> ids;
  std::vector<double> weights;
};

inline std::vector<double> scoresOf(const Route &route, const float *logits) {
  std::vector<double> scores(logits, logits + kExperts);
  if (route.scoring == std::string("sigmoid"))
    for (double &score : scores)
      score = 1 / (1 + std::exp(-score));
  if (route.scoring != std::string("softmax"))
    return scores;
  double sum = 0;
  for (double &score : scores)
    sum += score = std::exp(score);
  for (double &score : scores)
    score /= sum;
  return scores;
}

/// Experts of groups that are not among the best become worthless.
inline void maskGroups(const Route &route, std::vector<double> &selection) {
  unsigned size = kExperts / route.groups;
  std::vector<double> best(route.groups);
  for (unsigned g = 0; g < route.groups; ++g) {
    std::vector<double> group(selection.begin() + g * size,
                              selection.begin() + (g + 1) * size);
    std::sort(group.rbegin(), group.rend());
    best[g] = group[0] + (route.groupBest == 2 ? group[1] : 0);
  }
  for (unsigned g = 0; g < route.groups; ++g)
    if (std::count_if(best.begin(), best.end(), [&](double other) {
          return other > best[g];
        }) >= route.usedGroups)
      std::fill_n(selection.begin() + g * size, size, -INFINITY);
}

inline Chosen choose(const Route &route, const float *logits,
                     const float *bias) {
  std::vector<double> scores = scoresOf(route, logits), selection = scores;
  for (unsigned e = 0; route.bias && e < kExperts; ++e)
    selection[e] += bias[e];
  if (route.groups > 1)
    maskGroups(route, selection);
  std::vector<int32_t> order(kExperts);
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) {
    return selection[a] > selection[b];
  });
  Chosen chosen;
  double sum = 0;
  for (unsigned slot = 0; slot < kTop; ++slot) {
    chosen.ids.push_back(order[slot]);
    double score = scores[order[slot]];
    if (route.scoring == std::string("softmax_chosen"))
      score = std::exp(score);
    chosen.weights.push_back(score);
    sum += score;
  }
  bool divides =
      route.normalise || route.scoring == std::string("softmax_chosen");
  for (double &weight : chosen.weights)
    weight = weight / (divides ? sum : 1) * route.scale;
  return chosen;
}

/// Distinct experts for each token, as a route gives them.
inline std::vector<int32_t> randomIds(unsigned seed) {
  std::mt19937 random(seed);
  std::vector<int32_t> ids, all(kExperts / 2); // half of them stay idle
  std::iota(all.begin(), all.end(), 3);
  for (unsigned token = 0; token < kTokens; ++token) {
    std::shuffle(all.begin(), all.end(), random);
    ids.insert(ids.end(), all.begin(), all.begin() + kTop);
  }
  return ids;
}

inline const std::string kGroup =
    fmt::format("tile.kernel @group #tile.group<experts = {}, top = {}> {{}}\n",
                kExperts, kTop);

/// Assignments sorted by expert, as a kernel gives them.
struct Groups {
  std::vector<int32_t> groups, order;

  Groups(unsigned experts, size_t assignments)
      : groups(tile::groupsSize(experts)), order(assignments) {}
};

/// That `ids` were sorted, those of one expert in the order of tokens.
inline void expectSorted(const Groups &found, unsigned experts,
                         const std::vector<int32_t> &ids) {
  std::vector<int32_t> order(ids.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int32_t a, int32_t b) { return ids[a] < ids[b]; });
  EXPECT_EQ(found.order, order);
  int32_t active = found.groups[0];
  EXPECT_EQ(found.groups[1 + experts + active], int32_t(ids.size()));
  for (int32_t a = 0; a < active; ++a) {
    int32_t begin = found.groups[1 + experts + a];
    int32_t end = found.groups[2 + experts + a];
    ASSERT_LT(begin, end);
    for (int32_t i = begin; i < end; ++i)
      EXPECT_EQ(ids[order[i]], found.groups[1 + a]);
  }
}

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_EXPERTDEFINITIONS_H
