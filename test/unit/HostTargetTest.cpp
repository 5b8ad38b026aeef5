// What the facts of a machine become, for processors that are not at hand.
#include "compiler/HostTarget.h"

#include "mlir/IR/MLIRContext.h"

#include <gtest/gtest.h>
#include <initializer_list>

namespace sinter {
namespace {

llvm::StringMap<bool> level3() {
  llvm::StringMap<bool> features;
  for (const char *name : {"avx", "avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt",
                           "movbe", "avxvnni"})
    features[name] = true;
  return features;
}

llvm::StringMap<bool> level4() {
  llvm::StringMap<bool> features = level3();
  for (const char *name : {"avx512f", "avx512bw", "avx512cd", "avx512dq",
                           "avx512vl", "avx512vnni", "avx512fp16"})
    features[name] = true;
  return features;
}

TEST(HostTarget, RefusesMachinesBelowLevel3) {
  mlir::MLIRContext context;
  for (const char *lacking : {"avx2", "fma", "f16c", "movbe"}) {
    llvm::StringMap<bool> features = level4();
    features[lacking] = false;
    auto target = nativeTarget(features, "x86-64", context);
    ASSERT_FALSE(bool(target)) << lacking;
    EXPECT_EQ(llvm::toString(target.takeError()),
              "this machine is below x86-64-v3 (AVX2, FMA, F16C); name a "
              "--target to compile for another one");
  }
}

TEST(HostTarget, TakesTheLevelThatIsWhole) {
  mlir::MLIRContext context;
  auto third = nativeTarget(level3(), "x86-64", context);
  ASSERT_TRUE(bool(third));
  EXPECT_EQ(third->getLevel(), "x86-64-v3");
  EXPECT_EQ(third->getFeatures(), "avxvnni");
  auto fourth = nativeTarget(level4(), "x86-64", context);
  ASSERT_TRUE(bool(fourth));
  EXPECT_EQ(fourth->getLevel(), "x86-64-v4");
  EXPECT_EQ(fourth->getFeatures(), "avxvnni,avx512vnni");
  llvm::StringMap<bool> features = level4();
  features["avx512vl"] = false; // extras of a level that is not there
  auto partial = nativeTarget(features, "x86-64", context);
  ASSERT_TRUE(bool(partial));
  EXPECT_EQ(partial->getLevel(), "x86-64-v3");
  EXPECT_EQ(partial->getFeatures(), "avxvnni");
}

TEST(HostTarget, KnowsWhatIsFastOnWhichProcessor) {
  mlir::MLIRContext context;
  llvm::StringMap<bool> features = level4();
  features["avx512bf16"] = true;
  auto zen = nativeTarget(features, "znver4", context);
  ASSERT_TRUE(bool(zen));
  EXPECT_TRUE(zen->hasFeature("avx512bf16"));
  EXPECT_EQ(zen->getPrefetch(), 0u);
  auto zen5 = nativeTarget(features, "znver5", context);
  ASSERT_TRUE(bool(zen5));
  EXPECT_TRUE(zen5->hasFeature("avx512bf16"));
  EXPECT_EQ(zen5->getPrefetch(), 8192u);
  EXPECT_EQ(zen5->getPrefetchInto(), 1u);
  auto rapids = nativeTarget(features, "sapphirerapids", context);
  ASSERT_TRUE(bool(rapids));
  EXPECT_FALSE(rapids->hasFeature("avx512bf16"));
  EXPECT_EQ(rapids->getPrefetch(), 4096u);
  EXPECT_EQ(rapids->getPrefetchInto(), 2u);
}

} // namespace
} // namespace sinter
