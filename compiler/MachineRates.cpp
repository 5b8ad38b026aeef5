/// A table of what was measured on machines of each family.
#include "compiler/MachineRates.h"

#include "codegen/cuda/CudaTarget.h"
#include "compiler/HostTarget.h"

#include <algorithm>
#include <string_view>

using llvm::StringRef;

namespace sinter {

namespace {

/// Per core and second, but for `read`: what all cores get from memory.
struct Processors {
  const char *prefix; ///< of LLVM's name for the processor
  double read, coreRead, bytes, bf16, floats;
};

/// Zen 4 and 5: docs/performance.md, two cores of a shared EPYC each. Rapids:
/// the reference measurements on two cores of an Emerald Rapids, whose cores
/// Sapphire Rapids shares. A larger machine reads more: `compile --tune`
/// measures it.
constexpr Processors kFamilies[] = {
    {"znver4", 36e9, 33e9, 235e9, 118e9, 59e9},
    {"znver5", 90e9, 48e9, 523e9, 241e9, 131e9},
    {"sapphirerapids", 34e9, 17e9, 350e9, 45e9, 89e9},
    {"emeraldrapids", 34e9, 17e9, 350e9, 45e9, 89e9},
};

/// Cycles a second that a server core keeps under such load.
constexpr double kClock = 3e9;
/// A stream from the cache of a core: more than 75 GB/s were measured.
constexpr double kCacheBytes = 75e9;

} // namespace

/// Two multiplications a cycle of the widest registers that the level has;
/// without VNNI a product of bytes takes two of them.
static Processors genericFamily(TargetAttr target) {
  bool v4 = target.getLevel() == "x86-64-v4";
  bool vnni = target.hasFeature("avx512vnni") || target.hasFeature("avxvnni");
  double lanes = v4 ? 16 : 8;
  double products = lanes * 4 * (vnni ? 2 : 1);
  // Desktops and small servers, as the reference measurements have them.
  return {"", 60e9, 16e9, products * kClock, 0, lanes * 2 * kClock};
}

/// What the chip's facts say. Bytes and BF16 go to its matrix units where
/// that counts, for many tokens; without them by dp4a, four products in each of
/// 64 lanes of a multiprocessor a cycle. Activations come from the second
/// cache, 32 bytes a cycle (passes/tile/GpuTileCost.cpp). A launch in a graph
/// takes about what a barrier of a processor does, and a block what an item.
static MachineRates gpuRates(const CudaTarget &gpu) {
  bool mma = gpu.features.find("mma") != std::string_view::npos;
  MachineRates rates;
  rates.source = "facts of " + std::string(gpu.chip);
  rates.threads = gpu.multiprocessors;
  rates.readBytes = gpu.bandwidth;
  rates.coreReadBytes = gpu.bandwidth / gpu.multiprocessors;
  rates.cacheBytes = 32 * gpu.clock;
  rates.byteProducts =
      mma ? gpu.peaks.int8 / 2 / gpu.multiprocessors : 64 * 4 * gpu.clock;
  rates.bf16Products = mma ? gpu.peaks.bf16 / 2 / gpu.multiprocessors : 0;
  rates.floatProducts = gpu.peaks.f32 / 2 / gpu.multiprocessors;
  return rates;
}

MachineRates typicalRates(TargetAttr target, StringRef cpu) {
  if (isGpu(target))
    return gpuRates(*findCudaTarget(std::string_view(target.getLevel())));
  Processors family = genericFamily(target);
  MachineRates rates;
  rates.source = ("typical of " + target.getLevel()).str();
  for (const Processors &known : kFamilies)
    if (cpu.starts_with(known.prefix)) {
      family = known;
      rates.source = ("typical of " + cpu).str();
    }
  rates.threads = std::max(1u, target.getCores());
  rates.coreReadBytes = family.coreRead;
  // No more than its cores can ask for.
  rates.readBytes = std::min(family.read, family.coreRead * rates.threads);
  rates.cacheBytes = kCacheBytes;
  rates.byteProducts = family.bytes;
  rates.bf16Products = target.hasFeature("avx512bf16") ? family.bf16 : 0;
  rates.floatProducts = family.floats;
  return rates;
}

MachineRates measuredRates(const MachineRates &typical,
                           const MachineRates &measured) {
  MachineRates rates = measured;
  rates.source = "measured by compile --tune";
  rates.threads = typical.threads;
  rates.cacheBytes = typical.cacheBytes;
  // Kernels do not use the instruction where the target leaves it out.
  if (typical.bf16Products == 0)
    rates.bf16Products = 0;
  return rates;
}

} // namespace sinter
