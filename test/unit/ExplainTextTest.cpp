/// Reports become text: launches that only some steps have, kernels that differ
/// between steps, and labels that are too long.
#include "runtime/ExplainText.h"

#include <gtest/gtest.h>

#include <string>

namespace sinter {
namespace {

Json launch(const std::string &label, const char *kernel) {
  return {{"label", "blk.0." + label},
          {"layer", "blk.0"},
          {"kernel", kernel},
          {"seconds", 2e-6}};
}

Json step(unsigned tokens, Json launches) {
  return {{"tokens", tokens}, {"seconds", 1e-3}, {"launches", launches}};
}

bool has(const std::string &text, const std::string &part) {
  return text.find(part) != std::string::npos;
}

TEST(ExplainText, KernelsOfStepsBecomeOneName) {
  Json report = {
      {"steps",
       {step(1, {launch("up", "mm_gemv"), launch("sum", "add")}),
        step(8, {launch("up", "mm"), launch("sum", "add")}),
        step(512, {launch("up", "mm"), launch("sum", "add_wide")})}}};
  std::string text = explainText(report);
  EXPECT_TRUE(has(text, "  mm[_gemv]\n")) << text;
  EXPECT_TRUE(has(text, "  add, add_wide\n")) << text;
  EXPECT_TRUE(has(text, " 1 tok us    8 tok us  512 tok us  kernel\n")) << text;
}

TEST(ExplainText, StepsWithoutALaunchShowADash) {
  Json report = {{"steps",
                  {step(1, {launch("few", "a"), launch("both", "b")}),
                   step(512, {launch("both", "b"), launch("many", "c")})}}};
  std::string text = explainText(report);
  EXPECT_TRUE(has(text, "         2.0           -  a\n")) << text;
  EXPECT_TRUE(has(text, "         2.0         2.0  b\n")) << text;
  EXPECT_TRUE(has(text, "           -         2.0  c\n")) << text;
  EXPECT_TRUE(has(text, "         4.0         4.0\n")) << text;
}

/// A report may come from a stranger: its text stays in proportion.
TEST(ExplainText, OneLongLabelDoesNotWidenAllRows) {
  Json launches = Json::array();
  launches.push_back(launch(std::string(10000, 'x'), "a"));
  for (int i = 0; i < 100; ++i)
    launches.push_back(launch("row" + std::to_string(i), "b"));
  std::string text = explainText({{"steps", {step(1, launches)}}});
  EXPECT_LT(text.size(), 30000u);
}

/// Rates that a machine does not have are not shown as 0.
TEST(ExplainText, RatesOfTheMachineThatAreThere) {
  Json machine = {{"source", "typical"},
                  {"threads", 2u},
                  {"read_bytes_per_second", 32e9},
                  {"int8_products_per_second", 384e9},
                  {"float32_products_per_second", 96e9}};
  EXPECT_TRUE(has(explainText({{"machine", machine}}),
                  "machine: typical; 2 threads read 32 GB/s; each multiplies "
                  "int8 384, float32 96 G/s\n"));
  machine["bf16_products_per_second"] = 128e9;
  EXPECT_TRUE(has(explainText({{"machine", machine}}),
                  "int8 384, bf16 128, float32 96 G/s\n"));
}

} // namespace
} // namespace sinter
