/// What a step moves and multiplies, against sums by hand.
#include "runtime/bench/Work.h"

#include <gtest/gtest.h>

namespace sinter {
namespace {

/// Two regimes of three launches: a matrix, attention over one cache, a head.
Plan planWithWork() {
  Plan plan;
  plan.pageTokens = 16;
  plan.states.push_back({StateKind::KvCache, StateElement::F16, 2, 8, 8, 0,
                         2 * (8 + 8) * 16 * 2, 0, 0});
  plan.operands.push_back({OperandKind::State, 0, 0});
  for (uint32_t most : {4u, 64u}) {
    plan.regimes.push_back({most, uint32_t(plan.launches.size()), 3, 0, 64});
    PlanLaunch matrix = {}, attention = {}, head = {};
    for (PlanLaunch *launch : {&matrix, &attention, &head})
      launch->weightShare = 1;
    matrix.weightBytes = 1000;
    matrix.products = 500;
    attention.operandCount = 1;
    attention.barrier = LaunchBarrier::Always;
    attention.cacheProducts = 7;
    head.weightBytes = 300;
    head.products = 200;
    head.workRows = 1;
    head.barrier = LaunchBarrier::Batch;
    plan.launches.insert(plan.launches.end(), {matrix, attention, head});
  }
  return plan;
}

TEST(BenchWork, OneTokenReadsAllWeightsAndItsCache) {
  Plan plan = planWithWork();
  Work work = stepWork(plan, {.tokens = 1, .depth = 9, .outputs = 1});
  EXPECT_EQ(work.weightBytes, 1300);
  EXPECT_EQ(work.cacheBytes, 64 * 10);
  EXPECT_EQ(work.products, 500 + 200 + 7 * 10);
  EXPECT_EQ(work.launches, 3u);
  EXPECT_EQ(work.barriers, 1u);
}

TEST(BenchWork, PromptWithoutWantedRowsLeavesTheHead) {
  Work work = stepWork(planWithWork(), {.tokens = 8});
  EXPECT_EQ(work.weightBytes, 1000);
  EXPECT_EQ(work.cacheBytes, 64 * 8);
  EXPECT_EQ(work.products, 500 * 8 + 7 * (8 * 9 / 2));
  EXPECT_EQ(work.barriers, 2u);
}

TEST(BenchWork, SequencesShareWeightsButNotCaches) {
  Work work = stepWork(planWithWork(),
                       {.sequences = 4, .tokens = 1, .depth = 3, .outputs = 4});
  EXPECT_EQ(work.weightBytes, 1300);
  EXPECT_EQ(work.cacheBytes, 64 * 4 * 4);
  EXPECT_EQ(work.products, 500 * 4 + 200 * 4 + 7 * 4 * 4);
}

TEST(BenchWork, WindowsBoundWhatIsReadAndMultiplied) {
  Plan plan = planWithWork();
  plan.states[0].window = 4;
  Work one = stepWork(plan, {.tokens = 1, .depth = 9, .outputs = 1});
  EXPECT_EQ(one.cacheBytes, 64 * 4);
  EXPECT_EQ(one.products, 500 + 200 + 7 * 4);
  // Tokens 2 to 9 see 3, 4, 4, ... positions.
  Work some = stepWork(plan, {.tokens = 8, .depth = 2});
  EXPECT_EQ(some.cacheBytes, 64 * (2 + 8));
  EXPECT_EQ(some.products, 500 * 8 + 7 * (3 + 7 * 4));
  // The first window is not full before its end.
  plan.states[0].window = 100;
  EXPECT_EQ(stepWork(plan, {.tokens = 8}).products, 500 * 8 + 7 * (8 * 9 / 2));
}

TEST(BenchWork, RowsReadTheExpertsTheyChoose) {
  Plan plan = planWithWork();
  plan.launches[0].weightShare = plan.launches[3].weightShare = 0.25;
  EXPECT_EQ(stepWork(plan, {.tokens = 1, .outputs = 1}).weightBytes, 250 + 300);
  EXPECT_EQ(stepWork(plan, {.sequences = 2, .outputs = 2}).weightBytes,
            1000 * (1 - 0.75 * 0.75) + 300);
  EXPECT_NEAR(stepWork(plan, {.tokens = 64}).weightBytes, 1000, 1e-3);
}

TEST(BenchWork, StepsBeyondEveryRegimeHaveNone) {
  EXPECT_EQ(stepWork(planWithWork(), {.tokens = 65}).launches, 0u);
}

} // namespace
} // namespace sinter
