/// CPUID bits by LLVM's feature names, as Intel's manual (volume 2A, CPUID)
/// numbers them; vector state also needs the operating system's consent (XCR0).
#include "runtime/cpu/CpuFeatures.h"

#include <fmt/format.h>

#include <cstdint>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace sinter {
namespace {

enum Register { EAX, EBX, ECX, EDX };

/// Bits of XCR0 that the registers of a feature need.
enum StateBits : uint64_t {
  None = 0,
  Ymm = 0x6,
  Zmm = 0xe6,
  Tiles = 0x60000,
};

struct CpuFeature {
  std::string_view name;
  uint32_t leaf;
  uint32_t subleaf;
  Register where;
  int bit;
  uint64_t state;
};

constexpr CpuFeature kFeatures[] = {
    {"sse3", 1, 0, ECX, 0, None},
    {"ssse3", 1, 0, ECX, 9, None},
    {"cx16", 1, 0, ECX, 13, None},
    {"sse4.1", 1, 0, ECX, 19, None},
    {"sse4.2", 1, 0, ECX, 20, None},
    {"movbe", 1, 0, ECX, 22, None},
    {"popcnt", 1, 0, ECX, 23, None},
    {"avx", 1, 0, ECX, 28, Ymm},
    {"fma", 1, 0, ECX, 12, Ymm},
    {"f16c", 1, 0, ECX, 29, Ymm},
    {"lzcnt", 0x80000001, 0, ECX, 5, None},
    {"bmi", 7, 0, EBX, 3, None},
    {"avx2", 7, 0, EBX, 5, Ymm},
    {"bmi2", 7, 0, EBX, 8, None},
    {"gfni", 7, 0, ECX, 8, None},
    {"avx512f", 7, 0, EBX, 16, Zmm},
    {"avx512dq", 7, 0, EBX, 17, Zmm},
    {"avx512ifma", 7, 0, EBX, 21, Zmm},
    {"avx512cd", 7, 0, EBX, 28, Zmm},
    {"avx512bw", 7, 0, EBX, 30, Zmm},
    {"avx512vl", 7, 0, EBX, 31, Zmm},
    {"avx512vbmi", 7, 0, ECX, 1, Zmm},
    {"avx512vbmi2", 7, 0, ECX, 6, Zmm},
    {"avx512vnni", 7, 0, ECX, 11, Zmm},
    {"avx512bitalg", 7, 0, ECX, 12, Zmm},
    {"avx512vpopcntdq", 7, 0, ECX, 14, Zmm},
    {"avx512fp16", 7, 0, EDX, 23, Zmm},
    {"amx-bf16", 7, 0, EDX, 22, Tiles},
    {"amx-tile", 7, 0, EDX, 24, Tiles},
    {"amx-int8", 7, 0, EDX, 25, Tiles},
    {"avxvnni", 7, 1, EAX, 4, Ymm},
    {"avx512bf16", 7, 1, EAX, 5, Zmm},
    {"avxifma", 7, 1, EAX, 23, Ymm},
    {"avxvnniint8", 7, 1, EDX, 4, Ymm},
    {"avxneconvert", 7, 1, EDX, 5, Ymm},
};

const CpuFeature *find(std::string_view name) {
  for (const CpuFeature &feature : kFeatures)
    if (feature.name == name)
      return &feature;
  return nullptr;
}

#if defined(__x86_64__)
uint64_t enabledState() {
  uint32_t registers[4];
  if (!__get_cpuid(1, &registers[0], &registers[1], &registers[2],
                   &registers[3]) ||
      !(registers[ECX] >> 27 & 1)) // OSXSAVE: xgetbv may be used
    return 0;
  uint32_t low, high;
  __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return uint64_t(high) << 32 | low;
}

bool isPresent(const CpuFeature &feature) {
  uint32_t registers[4];
  if (!__get_cpuid_count(feature.leaf, feature.subleaf, &registers[0],
                         &registers[1], &registers[2], &registers[3]))
    return false;
  return (registers[feature.where] >> feature.bit & 1) &&
         (enabledState() & feature.state) == feature.state;
}
#else
bool isPresent(const CpuFeature &) { return false; }
#endif

} // namespace

bool isKnownCpuFeature(std::string_view name) { return find(name); }

bool hasCpuFeature(std::string_view name) {
  const CpuFeature *feature = find(name);
  return feature && isPresent(*feature);
}

std::vector<std::string> cpuFeatures() {
  std::vector<std::string> names;
  for (const CpuFeature &feature : kFeatures)
    if (isPresent(feature))
      names.emplace_back(feature.name);
  return names;
}

Status checkCpuFeatures(std::span<const std::string> required) {
  std::string missing;
  for (const std::string &name : required)
    if (!hasCpuFeature(name))
      missing += (missing.empty() ? "" : ", ") + name +
                 (isKnownCpuFeature(name) ? "" : " (unknown to this program)");
  if (missing.empty())
    return {};
  return Status(Code::Unsupported,
                fmt::format("compiled for a processor with features that this "
                            "one lacks: {}; compile again with --target "
                            "native, or --target x86-64-v3 for most machines",
                            missing));
}

} // namespace sinter
