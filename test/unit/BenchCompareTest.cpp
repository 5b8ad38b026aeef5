/// Each threshold of `bench compare`, from both sides.
#include "runtime/bench/Compare.h"

#include "test/unit/TinyArtifact.h"

#include <gtest/gtest.h>

namespace sinter {
namespace {

Json test(const char *name, double speed, double p95 = 10, double bytes = 100,
          double allocations = 0) {
  return {{"name", name},
          {"tokens_per_second", speed},
          {"step_ms_p95", p95},
          {"bytes_per_token", bytes},
          {"allocations_per_step", allocations}};
}

Json report(std::vector<Json> tests, double load = 100) {
  return {{"load_ms", load}, {"tests", tests}};
}

bool fails(const Json &before, const Json &after) {
  return compareReports(report({before}), report({after})).failed;
}

TEST(BenchCompare, DecodeMayLoseThreePercent) {
  EXPECT_FALSE(fails(test("tg128", 100), test("tg128", 97.1)));
  EXPECT_TRUE(fails(test("tg128", 100), test("tg128", 96.9)));
}

TEST(BenchCompare, DeepDecodeMayLoseFifteenPercent) {
  EXPECT_FALSE(fails(test("tg128@d4096", 100), test("tg128@d4096", 85.1)));
  EXPECT_TRUE(fails(test("tg128@d4096", 100), test("tg128@d4096", 84.9)));
}

TEST(BenchCompare, PrefillOnlyWarns) {
  Comparison result =
      compareReports(report({test("pp512", 100)}), report({test("pp512", 90)}));
  EXPECT_FALSE(result.failed);
  EXPECT_NE(result.text.find("warning: pp512 lost 10.0 %, 5 % is allowed"),
            std::string::npos);
  EXPECT_EQ(result.json["findings"].size(), 1u);
}

TEST(BenchCompare, TailMayGrowTenPercent) {
  EXPECT_FALSE(fails(test("tg128", 100, 10), test("tg128", 100, 10.9)));
  EXPECT_TRUE(fails(test("tg128", 100, 10), test("tg128", 100, 11.1)));
}

TEST(BenchCompare, DepthMayNotStretchTheTail) {
  auto deep = [](double before, double after) {
    return compareReports(
               report(
                   {test("tg128", 100, 10), test("tg128@d4096", 90, before)}),
               report({test("tg128", 100, 10), test("tg128@d4096", 90, after)}))
        .failed;
  };
  EXPECT_FALSE(deep(12.5, 12.9));
  EXPECT_TRUE(deep(12.9, 13.1)); // more than 1.3 times the shallow tail
  // A tail that grew with the shallow one is no news, one that left it is.
  EXPECT_TRUE(compareReports(
                  report({test("tg128", 100, 10), test("tg128@d4", 90, 10)}),
                  report({test("tg128", 100, 9), test("tg128@d4", 90, 10.95)}))
                  .failed);
}

TEST(BenchCompare, BytesOfTheCacheExplainALongerStep) {
  EXPECT_FALSE(compareReports(report({test("tg128", 100, 10, 100),
                                      test("tg128@d4096", 50, 20, 200)}),
                              report({test("tg128", 100, 10, 100),
                                      test("tg128@d4096", 50, 20, 200)}))
                   .failed);
}

TEST(BenchCompare, AllocationsAndMissingTestsFail) {
  EXPECT_TRUE(fails(test("pp512", 100), test("pp512", 100, 10, 100, 1)));
  EXPECT_TRUE(fails(test("pp512", 100), test("pp256", 100)));
}

TEST(BenchCompare, SlowLoadingWarns) {
  Comparison result = compareReports(report({}), report({}, 11001));
  EXPECT_FALSE(result.failed);
  EXPECT_EQ(result.text, "warning: loading took 11001 ms, 11000 are allowed\n");
}

TEST(BenchCompare, FilesThatAreNoReports) {
  auto error = [](const std::string &text) {
    std::string path = tiny::folder() + "/report.json";
    tiny::writeBytes(path, text);
    auto result = compareReports(path, path);
    EXPECT_FALSE(result.ok());
    return result.status().message().substr(path.size() + 2);
  };
  EXPECT_EQ(error("[]"), ": no report of bench --json: expected an object with "
                         "'tests' and 'load_ms'");
  EXPECT_EQ(error(R"({"load_ms": 1, "tests": [{}]})"), ": a test has no name");
  EXPECT_EQ(error(R"({"load_ms": 1, "tests": [{"name": "tg1"}]})"),
            ": test tg1 has no number 'tokens_per_second'");
}

} // namespace
} // namespace sinter
