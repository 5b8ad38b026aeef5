/// A roofline with the fixed costs of a launch.
#include "runtime/LaunchCost.h"

#include <algorithm>

namespace sinter {

/// A barrier of two to eight spinning threads, with the difference of their
/// arrival (measured: 1 to 2 us).
static constexpr double kBarrier = 1.5e-6;
/// Walking to a launch and dividing its items.
static constexpr double kLaunch = 0.1e-6;
/// Beginning an item: as long as reading 2 KiB (passes/tile/TileCost.cpp).
static constexpr double kItem = 60e-9;

// The part of a peak that the kernels' main loops reach (docs/performance.md,
// "What bounds each kernel"): scales share the pipes with the 8-bit products.
static constexpr double kByteShare = 0.6;
static constexpr double kBf16Share = 0.74;
static constexpr double kFloatShare = 0.75;
/// Likewise of the read bandwidth.
static constexpr double kReadShare = 0.9;
/// Of weights that come from a cache: unpacking them is the bound (same page,
/// gemv with one thread).
static constexpr double kUnpackBytes = 27e9;

const char *unitName(ProductUnit unit) {
  return unit == ProductUnit::Bytes  ? "int8"
         : unit == ProductUnit::Bf16 ? "bf16"
                                     : "f32";
}

/// Of one thread, as kernels reach it.
static double productRate(const MachineRates &rates, ProductUnit unit) {
  if (unit == ProductUnit::Bytes)
    return rates.byteProducts * kByteShare;
  if (unit == ProductUnit::Bf16 && rates.bf16Products > 0)
    return rates.bf16Products * kBf16Share;
  return rates.floatProducts * kFloatShare;
}

double launchSeconds(const MachineRates &rates, const LaunchLoad &load) {
  double threads = std::max(1u, rates.threads);
  double items = double(std::max<int64_t>(1, load.items));
  // Items of the slowest thread, and its part of the launch.
  double most = double((load.items + int64_t(threads) - 1) / int64_t(threads));
  if (load.replicated)
    most = items;
  double part = std::max(1.0, most) / items;
  double read = load.cached ? std::min(rates.cacheBytes, kUnpackBytes)
                            : kReadShare * std::min(rates.readBytes / threads,
                                                    rates.coreReadBytes);
  double longest = 0;
  if (read > 0)
    longest = load.readBytes * part / read;
  if (double rate = productRate(rates, load.unit); rate > 0)
    longest = std::max(longest, load.products * part / rate);
  if (rates.cacheBytes > 0)
    longest = std::max(longest, load.rowBytes * part / rates.cacheBytes);
  double wait = load.barrier && threads > 1 ? kBarrier : 0;
  return wait + kLaunch + most * kItem + longest;
}

} // namespace sinter
