/// When a change counts as a gain.
#include "runtime/bench/KernelCost.h"

#include <gtest/gtest.h>

namespace sinter {
namespace {

TEST(KernelCost, GainIsTheMedianOfThePairs) {
  Gain gain = gainOf({.before = {10, 20, 10}, .after = {9, 18, 5}});
  EXPECT_DOUBLE_EQ(gain.median, 0.1);
  EXPECT_DOUBLE_EQ(gain.sigma, 0);
  EXPECT_TRUE(gain.promotes());
  EXPECT_FALSE(gain.loses());
}

TEST(KernelCost, LessThanTwoPercentIsNone) {
  Gain gain = gainOf({.before = {100, 100}, .after = {98.5, 98.5}});
  EXPECT_FALSE(gain.promotes());
  EXPECT_FALSE(gain.loses());
}

TEST(KernelCost, NoiseOutweighsAGain) {
  Pairs pairs = {.before = {10, 10, 10, 10, 10}, .after = {8, 9, 9.5, 10, 11}};
  Gain gain = gainOf(pairs);
  EXPECT_NEAR(gain.median, 0.05, 1e-9);
  EXPECT_GT(gain.sigma, 0.05);
  EXPECT_FALSE(gain.promotes());
}

TEST(KernelCost, LossesAreToldByTheSameRule) {
  EXPECT_TRUE(gainOf({.before = {10}, .after = {11}}).loses());
  EXPECT_FALSE(gainOf({.before = {10}, .after = {10.1}}).loses());
}

} // namespace
} // namespace sinter
