/// Runs the kernels of a mixture of experts against the same in plain C++:
/// routes of every kind, the sort of assignments, and products by expert with
/// any division into items.
#include "codegen/x86/Packer.h"
#include "dialects/tile/Experts.h"
#include "test/unit/EmittedKernels.h"
#include "test/unit/ExpertDefinitions.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace sinter;
using namespace sinter::test;

namespace {

class ExpertKernels : public testing::TestWithParam<Level> {
protected:
  void SetUp() override {
    if (!GetParam().available)
      GTEST_SKIP() << "this machine has no " << GetParam().name;
  }
};

TEST_P(ExpertKernels, Routes) {
  std::string text;
  for (const Route &route : kRoutes)
    text += route.kernel();
  Kernels kernels(GetParam(), text);
  ASSERT_EQ(kernels.error, "");
  std::vector<float> logits = normal(kTokens * kExperts, 1);
  std::vector<float> bias = normal(kExperts, 2);
  std::vector<float> scales = normal(kExperts, 3);
  Batch batch = {};
  batch.tokens = kTokens;
  for (const Route &route : kRoutes) {
    std::vector<int32_t> ids(kTokens * kTop);
    std::vector<float> weights(kTokens * kTop);
    std::vector<void *> operands = {logits.data()};
    if (route.bias)
      operands.push_back(bias.data());
    if (route.expertScale)
      operands.push_back(scales.data());
    operands.insert(operands.end(), {ids.data(), weights.data()});
    kernels[route.name](operands.data(), &batch, 0, kTokens);
    for (unsigned token = 0; token < kTokens; ++token) {
      Chosen want = choose(route, &logits[token * kExperts], bias.data());
      for (unsigned slot = 0; slot < kTop; ++slot) {
        EXPECT_EQ(ids[token * kTop + slot], want.ids[slot]) << route.name;
        double scale = route.expertScale ? scales[want.ids[slot]] : 1.0;
        EXPECT_NEAR(weights[token * kTop + slot], want.weights[slot] * scale,
                    1e-6)
            << route.name;
      }
    }
  }
}

/// Whatever a damaged file makes the logits, ids stay in their bounds.
TEST_P(ExpertKernels, RouteOfNonsenseStaysInBounds) {
  std::string text;
  for (const Route &route : kRoutes)
    text += route.kernel();
  Kernels kernels(GetParam(), text);
  ASSERT_EQ(kernels.error, "");
  Batch batch = {};
  batch.tokens = 3;
  std::vector<float> logits(3 * kExperts, NAN), bias(kExperts, INFINITY);
  std::fill_n(logits.begin() + kExperts, kExperts, INFINITY);
  std::fill_n(logits.begin() + 2 * kExperts, kExperts, -INFINITY);
  for (const Route &route : kRoutes) {
    std::vector<int32_t> ids(3 * kTop, -1);
    std::vector<float> weights(3 * kTop);
    std::vector<void *> operands = {logits.data()};
    for (bool present : {route.bias, route.expertScale})
      if (present)
        operands.push_back(bias.data());
    operands.insert(operands.end(), {ids.data(), weights.data()});
    kernels[route.name](operands.data(), &batch, 0, 3);
    for (int32_t id : ids) {
      EXPECT_GE(id, 0) << route.name;
      EXPECT_LT(id, int32_t(kExperts)) << route.name;
    }
  }
}

Groups groupBy(Kernels &kernels, std::vector<int32_t> &ids) {
  Groups result(kExperts, ids.size());
  Batch batch = {};
  batch.tokens = kTokens;
  void *operands[] = {ids.data(), result.groups.data(), result.order.data()};
  kernels["group"](operands, &batch, 0, 1);
  return result;
}

TEST_P(ExpertKernels, GroupsAreSortedByExpertThenToken) {
  Kernels kernels(GetParam(), kGroup);
  ASSERT_EQ(kernels.error, "");
  std::vector<int32_t> ids = randomIds(3);
  Groups found = groupBy(kernels, ids);
  expectSorted(found, kExperts, ids);
}

/// Products with float32 weights, divided among any number of threads.
TEST_P(ExpertKernels, ProductsDoNotDependOnTheDivision) {
  constexpr unsigned kRows = 48, kWidth = 40;
  Kernels kernels(
      GetParam(),
      kGroup + fmt::format(
                   "tile.kernel @experts #tile.grouped_gemm<format = \"f32\", "
                   "experts = {}, top = {}, weightRows = {}, input = <width = "
                   "{}, stride = {}>, output = <width = {}, stride = {}>, "
                   "biasRows = {}, biasFirst = [8]> config <rowGroups = 2, "
                   "tokens = 4> {{}}",
                   kExperts, kTop, kRows, kWidth, kWidth, kRows, kRows,
                   kRows + 8));
  ASSERT_EQ(kernels.error, "");
  std::vector<float> weights = normal(kExperts * kRows * kWidth, 4);
  std::vector<float> input = normal(kTokens * kWidth, 5);
  std::vector<float> bias = normal(kExperts * (kRows + 8), 6);
  x86::PackJob job{.layout = x86::PackedLayout::of(*findFormat("f32")),
                   .k = kWidth,
                   .rows = {},
                   .scales = {}};
  for (unsigned row = 0; row < kExperts * kRows; ++row)
    job.rows.push_back(
        reinterpret_cast<const uint8_t *>(&weights[row * kWidth]));
  std::vector<std::byte> packed(job.bytes() + 64);
  ASSERT_TRUE(
      x86::packMatrix(job, std::span(packed).first(job.bytes()), 1).ok());
  std::vector<int32_t> ids = randomIds(7);
  Groups sorted = groupBy(kernels, ids);
  Batch batch = {};
  batch.tokens = kTokens;
  for (int64_t threads : {1, 2, 3, 64}) {
    std::vector<float> output(kTokens * kTop * kRows, NAN);
    void *operands[] = {input.data(),        sorted.groups.data(),
                        sorted.order.data(), packed.data(),
                        bias.data(),         output.data()};
    for (int64_t thread = 0; thread < threads; ++thread)
      kernels["experts"](operands, &batch,
                         tile::kGroupedItems * thread / threads,
                         tile::kGroupedItems * (thread + 1) / threads);
    for (unsigned i = 0; i < kTokens * kTop; ++i)
      for (unsigned row = 0; row < kRows; ++row) {
        double sum = bias[ids[i] * (kRows + 8) + 8 + row];
        for (unsigned k = 0; k < kWidth; ++k)
          sum += double(weights[(ids[i] * kRows + row) * kWidth + k]) *
                 input[i / kTop * kWidth + k];
        ASSERT_NEAR(output[i * kRows + row], sum, 1e-4) << threads;
      }
  }
}

INSTANTIATE_TEST_SUITE_P(Levels, ExpertKernels, testing::ValuesIn(levels()),
                         [](const auto &info) { return info.param.name; });

} // namespace
