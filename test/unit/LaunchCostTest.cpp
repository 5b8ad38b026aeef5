/// Predictions against times by hand, and what is read of a report.
#include "runtime/Prediction.h"

#include <gtest/gtest.h>

namespace sinter {
namespace {

MachineRates machine() {
  MachineRates rates;
  rates.source = "a test";
  rates.threads = 2;
  rates.readBytes = 40e9;
  rates.coreReadBytes = 30e9;
  rates.cacheBytes = 100e9;
  rates.byteProducts = 200e9;
  rates.floatProducts = 50e9;
  return rates;
}

LaunchLoad matrix(double bytes, double products) {
  LaunchLoad load;
  load.readBytes = bytes;
  load.products = products;
  load.unit = ProductUnit::Bytes;
  load.items = 2;
  return load;
}

TEST(LaunchCost, MemoryOrProductsBound) {
  // 36 of 40 GB/s are reached; two threads share 36 MB.
  EXPECT_NEAR(launchSeconds(machine(), matrix(36e6, 1e6)), 1e-3, 1e-6);
  // 60 % of 400 G/s.
  EXPECT_NEAR(launchSeconds(machine(), matrix(36, 240e6)), 1e-3, 1e-6);
  MachineRates alone = machine();
  alone.threads = 1;
  EXPECT_NEAR(launchSeconds(alone, matrix(27e6, 1e6)), 1e-3, 1e-6);
}

TEST(LaunchCost, TheSlowestThreadCounts) {
  LaunchLoad uneven = matrix(0, 240e6);
  uneven.items = 3; // two of them on one thread
  EXPECT_NEAR(launchSeconds(machine(), uneven), 1e-3 * 4 / 3, 1e-6);
  LaunchLoad replicated = matrix(0, 240e6);
  replicated.replicated = true;
  EXPECT_NEAR(launchSeconds(machine(), replicated), 2e-3, 1e-6);
}

TEST(LaunchCost, WithoutBf16DotsFloatsMultiply) {
  LaunchLoad load = matrix(0, 75e6);
  load.unit = ProductUnit::Float32;
  double floats = launchSeconds(machine(), load);
  EXPECT_NEAR(floats, 1e-3, 1e-6);
  load.unit = ProductUnit::Bf16;
  EXPECT_EQ(launchSeconds(machine(), load), floats);
}

TEST(LaunchCost, BarriersAndItemsCostTime) {
  LaunchLoad empty;
  double call = launchSeconds(machine(), empty);
  EXPECT_GT(call, 0);
  empty.barrier = true;
  double waits = launchSeconds(machine(), empty);
  EXPECT_GT(waits, call + 1e-6);
  MachineRates alone = machine();
  alone.threads = 1; // which waits for nobody
  EXPECT_EQ(launchSeconds(alone, empty), call);
  empty.items = 200;
  EXPECT_GT(launchSeconds(machine(), empty), waits + 5e-6);
}

TEST(LaunchCost, CachedWeightsAreReadFaster) {
  LaunchLoad load = matrix(36e6, 0);
  double memory = launchSeconds(machine(), load);
  load.cached = true;
  EXPECT_LT(launchSeconds(machine(), load), memory);
}

CostModel model() {
  CostModel model;
  model.rates = machine();
  model.lastCache = 1 << 20;
  model.kernels["mm"] = {ProductUnit::Bytes, 4096};
  model.kernels["norm"] = {ProductUnit::Float32, 8192};
  return model;
}

Plan plan() {
  Plan plan;
  plan.pageTokens = 16;
  plan.kernels = {{plan.intern("mm")}, {plan.intern("norm")}};
  for (uint32_t most : {8u, 64u}) {
    plan.regimes.push_back({most, uint32_t(plan.launches.size()), 2, 0, 64});
    PlanLaunch mm = {}, norm = {};
    mm.count = 16;
    mm.tile = norm.tile = norm.count = 1;
    mm.label = plan.intern("blk.0.mm");
    mm.weightBytes = 36000000;
    mm.weightShare = norm.weightShare = 1;
    mm.products = 30000000;
    norm.kernel = 1;
    norm.label = plan.intern("blk.0.norm");
    norm.dimension = ItemDimension::Tokens;
    norm.barrier = LaunchBarrier::Batch;
    plan.launches.insert(plan.launches.end(), {norm, mm});
  }
  return plan;
}

TEST(Prediction, OneTokenAndTheLargestStep) {
  std::vector<StepPrediction> steps = predictSteps(model(), plan());
  ASSERT_EQ(steps.size(), 2u);
  EXPECT_EQ(steps[0].tokens, 1u);
  EXPECT_EQ(steps[1].tokens, 64u);
  ASSERT_EQ(steps[0].launches.size(), 2u);
  EXPECT_EQ(steps[0].launches[1].label, "blk.0.mm");
  EXPECT_EQ(steps[0].launches[1].kernel, "mm");
  EXPECT_NEAR(steps[0].launches[1].seconds, 1e-3, 2e-6); // reads
  // 64 times 30 M at 240 G/s.
  EXPECT_NEAR(steps[1].launches[1].seconds, 8e-3, 2e-6);
  EXPECT_EQ(steps[0].seconds,
            steps[0].launches[0].seconds + steps[0].launches[1].seconds);
  EXPECT_EQ(steps[0].work.barriers, 0u);
  EXPECT_EQ(steps[1].work.barriers, 1u);
  // The rows of a norm go through the cache of their core.
  EXPECT_GT(steps[1].launches[0].seconds, 32 * 8192 / 100e9);
}

TEST(Prediction, ReportKeepsTheModel) {
  Json report = {{"machine", machineJson(model())},
                 {"kernels",
                  {{{"name", "mm"}, {"unit", "int8"}, {"row_bytes", 4096u}},
                   {{"name", "norm"}, {"unit", "f32"}, {"row_bytes", 8192u}}}}};
  std::optional<CostModel> read = costModelOf(report);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rates.source, "a test");
  EXPECT_EQ(read->lastCache, model().lastCache);
  std::vector<StepPrediction> was = predictSteps(model(), plan());
  std::vector<StepPrediction> is = predictSteps(*read, plan());
  EXPECT_EQ(was[0].seconds, is[0].seconds);
  EXPECT_EQ(was[1].seconds, is[1].seconds);
}

TEST(Prediction, ReportsThatSayOtherThingsAreNoModel) {
  Json report = {{"machine", machineJson(model())}, {"kernels", Json::array()}};
  EXPECT_TRUE(costModelOf(report));
  EXPECT_FALSE(costModelOf(Json(nullptr)));
  EXPECT_FALSE(costModelOf(Json::object()));
  for (const char *key : {"threads", "last_cache", "read_bytes_per_second"}) {
    Json bad = report;
    bad["machine"][key] = "many";
    EXPECT_FALSE(costModelOf(bad)) << key;
    bad["machine"].erase(key);
    EXPECT_FALSE(costModelOf(bad)) << key;
  }
  report["kernels"] = {{{"name", "mm"}, {"unit", "int8"}}};
  EXPECT_FALSE(costModelOf(report));
  report["kernels"] = 7;
  EXPECT_FALSE(costModelOf(report));
}

} // namespace
} // namespace sinter
