/// Tests that machine code for GPUs is read back as it was written, that each
/// damage is refused with its own message, and which GPUs can run it.
#include "runtime/DeviceCode.h"

#include "runtime/Artifact.h"
#include "test/unit/TinyArtifact.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstring>
#include <random>
#include <string>

using namespace sinter;

namespace {

constexpr size_t kFirst = sizeof(DeviceCodeHeader);

std::string messageOf(const std::string &section, const Plan &plan) {
  auto code = parseDeviceCode(std::as_bytes(std::span(section)), plan);
  EXPECT_FALSE(code.ok());
  return code.status().message();
}

/// The message after `value` was put at `offset` of a sound section.
template <typename T> std::string damaged(size_t offset, T value) {
  Plan plan = tiny::plan();
  std::string section = tiny::deviceCode(plan, 90, true, /*text=*/true);
  std::memcpy(section.data() + offset, &value, sizeof(value));
  return messageOf(section, plan);
}

TEST(DeviceCode, IsReadAsItWasWritten) {
  Plan plan = tiny::plan();
  std::string section = tiny::deviceCode(plan, 121, true, true);
  auto code = parseDeviceCode(std::as_bytes(std::span(section)), plan);
  ASSERT_TRUE(code.ok()) << code.status().message();
  EXPECT_EQ(code->header.capability, 121u);
  ASSERT_EQ(code->kernels.size(), plan.kernels.size());
  for (size_t i = 0; i < code->kernels.size(); ++i) {
    EXPECT_EQ(code->kernels[i].threads, 128u);
    EXPECT_EQ(code->code(i).size(), tiny::cubin().size());
    EXPECT_EQ(std::memcmp(code->code(i).data(), tiny::cubin().data(), 64), 0);
    EXPECT_STREQ(reinterpret_cast<const char *>(code->text(i).data()),
                 "// PTX");
  }
}

TEST(DeviceCode, DamageIsNamed) {
  Plan plan = tiny::plan();
  EXPECT_EQ(messageOf("short", plan),
            "device code: section has 5 bytes, its header alone has 24");
  EXPECT_EQ(damaged(offsetof(DeviceCodeHeader, exact), 2u),
            "device code: exact is 2, expected 0 or 1");
  EXPECT_EQ(damaged(offsetof(DeviceCodeHeader, early), 2u),
            "device code: early is 2 with 0 behind it, expected 0 or 1 with 0 "
            "behind it");
  EXPECT_EQ(damaged(offsetof(DeviceCodeHeader, zero), 7u),
            "device code: early is 1 with 7 behind it, expected 0 or 1 with 0 "
            "behind it");
  EXPECT_EQ(damaged(offsetof(DeviceCodeHeader, kernels), 9u),
            "device code: it has 9 kernels, the plan 4");
  std::string section = tiny::deviceCode(plan);
  EXPECT_EQ(messageOf(section.substr(0, 100), plan),
            "device code: table of 4 kernels ends outside the section's 100 "
            "bytes");
  EXPECT_EQ(messageOf(section + "x", plan),
            "device code: images end at 544, the section at 545");
  auto field = [](size_t offset) { return kFirst + offset; };
  for (uint32_t threads : {0u, 33u, 1056u})
    EXPECT_EQ(damaged(field(offsetof(DeviceKernel, threads)), threads),
              "device code: kernel 0 has blocks of " + std::to_string(threads) +
                  " threads, expected a multiple of 32 up to 1024");
  EXPECT_EQ(damaged(field(offsetof(DeviceKernel, operands)), 65u),
            "device code: kernel 0 takes 65 operands, expected up to 64");
  EXPECT_EQ(damaged(field(offsetof(DeviceKernel, operands)), 3u),
            "device code: kernel 0 takes 3 operands, launch 0 has 2");
  EXPECT_EQ(damaged(field(offsetof(DeviceKernel, dynamicShared)), ~0u),
            "device code: kernel 0 needs 0 and 4294967295 bytes of shared "
            "memory, expected up to 1048576");
  EXPECT_EQ(damaged(field(offsetof(DeviceKernel, code)), uint64_t(0)),
            "device code: kernel 0 has machine code of 64 bytes at 0, expected "
            "some at 288 of 599");
  EXPECT_EQ(damaged(field(offsetof(DeviceKernel, codeBytes)), UINT64_MAX)
                .find("device code: kernel 0 has machine code of "),
            0u);
  EXPECT_EQ(damaged(field(offsetof(DeviceKernel, text)), uint64_t(1)),
            "device code: kernel 0 has PTX of 7 bytes at 1, expected some at "
            "352 of 599");
  EXPECT_EQ(damaged(offsetof(DeviceCodeHeader, textCapability), 0u),
            "device code: kernel 0 has PTX of 7 bytes at 352, expected none");
  EXPECT_EQ(damaged(352 + 6, 'x'),
            "device code: kernel 0 has PTX that does not end with a zero");
  EXPECT_EQ(damaged(288 + 18, char(62)),
            "device code: kernel 0 has machine code that is no 64-bit ELF "
            "image for CUDA");
  // One section header, which lies behind the image.
  EXPECT_EQ(damaged(288 + 60, uint16_t(1)),
            "device code: kernel 0 has machine code whose tables are not "
            "inside it");
}

TEST(DeviceCode, FlippedBytesNeverCrash) {
  Plan plan = tiny::plan();
  const std::string sound = tiny::deviceCode(plan, 90, true, true);
  std::mt19937 random(4);
  for (int i = 0; i < 20000; ++i) {
    std::string section = sound;
    section[random() % section.size()] ^= char(1 << random() % 8);
    auto code = parseDeviceCode(std::as_bytes(std::span(section)), plan);
    for (size_t k = 0; code.ok() && k < code->kernels.size(); ++k)
      EXPECT_LE(code->code(k).size(), section.size());
  }
}

TEST(DeviceCode, FitsGpus) {
  auto fit = [](uint32_t capability, bool exact, uint32_t text, uint32_t gpu) {
    return fitOf({capability, exact, text, 0, 0, 0}, gpu);
  };
  EXPECT_EQ(fit(80, false, 0, 80), DeviceFit::Code);
  EXPECT_EQ(fit(80, false, 0, 89), DeviceFit::Code);
  EXPECT_EQ(fit(86, false, 0, 80), DeviceFit::None);
  EXPECT_EQ(fit(80, false, 0, 90), DeviceFit::None);
  EXPECT_EQ(fit(80, false, 80, 90), DeviceFit::Text);
  EXPECT_EQ(fit(120, true, 0, 121), DeviceFit::None);
  EXPECT_EQ(fit(120, true, 120, 121), DeviceFit::Text);
  EXPECT_EQ(fit(121, true, 121, 121), DeviceFit::Code);
  EXPECT_EQ(fit(121, true, 121, 120), DeviceFit::None);
}

TEST(DeviceCode, BelongsToAGpu) {
  tiny::Parts parts;
  parts.deviceCode = tiny::deviceCode(parts.plan);
  auto refused = Artifact::open(tiny::write(parts, "cpu.bin"));
  EXPECT_NE(refused.status().message().find(
                "device code section: target 0 is no GPU"),
            std::string::npos);
  parts.manifest = tiny::gpuManifest(/*both=*/true);
  EXPECT_NE(Artifact::open(tiny::write(parts, "one.bin"))
                .status()
                .message()
                .find("artifact has no plan section for target 1"),
            std::string::npos);
  parts.second = true;
  auto artifact = Artifact::open(tiny::write(parts, "gpu.bin"));
  ASSERT_TRUE(artifact.ok()) << artifact.status().message();
  ASSERT_EQ(artifact->targets().size(), 2u);
  EXPECT_TRUE(artifact->targets()[0].code.has_value());
  EXPECT_FALSE(artifact->targets()[1].code.has_value());
  parts.manifest = tiny::gpuManifest();
  EXPECT_NE(Artifact::open(tiny::write(parts, "more.bin"))
                .status()
                .message()
                .find("plan section: it is for target 1, the manifest has 1"),
            std::string::npos);
}

} // namespace
