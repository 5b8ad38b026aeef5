// Angles, magnitude and temperature of rope tables, worked out by hand.
#include "runtime/RopeTables.h"

#include <cmath>
#include <gtest/gtest.h>
#include <vector>

namespace sinter {
namespace {

constexpr float kFrequencies[] = {1.0f, 0.25f};

std::vector<float> table(const PlanRopeTable &rope, int32_t position) {
  std::vector<float> values(2 * rope.pairs);
  fillRopeTable({&position, 1}, rope, kFrequencies, values.data());
  return values;
}

TEST(RopeTables, HoldCosinesThenSines) {
  PlanRopeTable rope = {2, 1.0f, 0.0f, 1, 0, 0, 0};
  std::vector<float> values(8);
  int32_t positions[] = {0, 3};
  fillRopeTable(positions, rope, kFrequencies, values.data());
  EXPECT_EQ(values, (std::vector<float>{
                        1, 1, 0, 0, float(std::cos(3.0)), float(std::cos(0.75)),
                        float(std::sin(3.0)), float(std::sin(0.75))}));
}

TEST(RopeTables, TemperatureGrowsByWholeLengths) {
  PlanRopeTable plain = {2, 1.5f, 0.0f, 1, 0, 0, 0};
  PlanRopeTable hot = {2, 1.5f, 0.5f, 100, 0, 0, 0};
  struct Expected {
    int32_t position;
    double factor; ///< 1 + 0.5 * ln(1 + floor(position / 100))
  };
  for (Expected expected :
       {Expected{0, 1}, Expected{99, 1}, Expected{100, 1.34657359},
        Expected{199, 1.34657359}, Expected{200, 1.54930614},
        Expected{100'000'000, 7.90775578}}) {
    std::vector<float> with = table(hot, expected.position);
    std::vector<float> without = table(plain, expected.position);
    for (size_t i = 0; i < with.size(); ++i)
      EXPECT_NEAR(with[i], without[i] * expected.factor, 1e-6)
          << expected.position;
  }
  // Not a bit changes before the first length is full.
  EXPECT_EQ(table(hot, 99), table(plain, 99));
}

} // namespace
} // namespace sinter
