/// Rotary frequencies against the formulas of the papers, worked out by hand.
#include "compiler/ConstantData.h"

#include "mlir/IR/Builders.h"
#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>

#include <cmath>

namespace sinter {
namespace {

class RopeFrequencies : public ::testing::Test {
protected:
  RopeFrequencies() : builder(&context) {
    context.loadDialect<SinterDialect>();
  }

  RopeAttr rope(unsigned width, double base, double linear = 0,
                llvm::ArrayRef<double> yarn = {}) {
    return RopeAttr::get(
        &context, width, builder.getF64FloatAttr(base), true, {},
        linear != 0 ? builder.getF64FloatAttr(linear) : mlir::FloatAttr(),
        yarn.empty() ? mlir::DenseF64ArrayAttr()
                     : builder.getDenseF64ArrayAttr(yarn),
        /*temperature=*/{}, /*longFactors=*/{}, /*longFrom=*/0);
  }

  mlir::MLIRContext context;
  mlir::Builder builder;
};

TEST_F(RopeFrequencies, ArePowersOfTheBase) {
  EXPECT_EQ(ropeFrequencies(rope(8, 10000), {}),
            (std::vector<float>{1.0f, 0.1f, 0.01f, 0.001f}));
}

TEST_F(RopeFrequencies, FactorsAndLinearDivide) {
  float factors[] = {1, 2, 4, 8};
  auto values = ropeFrequencies(rope(8, 10000, 2), factors);
  EXPECT_FLOAT_EQ(values[0], 0.5f);
  EXPECT_FLOAT_EQ(values[1], 0.025f);
  EXPECT_FLOAT_EQ(values[3], 0.001f / 16);
}

TEST_F(RopeFrequencies, YarnKeepsFastPairsAndInterpolatesSlowOnes) {
  // Factor 4, trained for 4096 positions, beta 32 and 1, width 128, base 1e4:
  // pair i completes 4096 * 1e4^(-i/64) / 2pi turns, 32 of them at i = 20.9
  // and one at i = 45.03, so the ramp runs from pair 20 to pair 46.
  double yarn[] = {4, 4096, 1, 1, 32, 1};
  auto plain = ropeFrequencies(rope(128, 10000), {});
  auto scaled = ropeFrequencies(rope(128, 10000, 0, yarn), {});
  for (unsigned i : {0u, 10u, 20u})
    EXPECT_FLOAT_EQ(scaled[i], plain[i]) << i;
  for (unsigned i : {46u, 63u})
    EXPECT_FLOAT_EQ(scaled[i], plain[i] / 4) << i;
  // Half way up the ramp: the mean of both.
  EXPECT_NEAR(scaled[33] / plain[33], (1 + 0.25) / 2, 1e-6);
}

TEST_F(RopeFrequencies, YarnWithoutExtrapolationInterpolatesAll) {
  double yarn[] = {4, 4096, 0, 1.5, 32, 1};
  auto plain = ropeFrequencies(rope(64, 10000), {});
  auto scaled = ropeFrequencies(rope(64, 10000, 0, yarn), {});
  for (size_t i = 0; i < plain.size(); ++i)
    EXPECT_FLOAT_EQ(scaled[i], plain[i] / 4) << i;
}

} // namespace
} // namespace sinter
