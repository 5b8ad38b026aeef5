/// What a launch should take: the one piece of arithmetic with which `compile`
/// predicts and `bench --explain` compares.
#ifndef SINTER_RUNTIME_LAUNCHCOST_H
#define SINTER_RUNTIME_LAUNCHCOST_H

#include <cstdint>
#include <string>

namespace sinter {

/// What multiplies: 8-bit integers, bfloat16 or float32.
enum class ProductUnit { Bytes, Bf16, Float32 };

/// "int8", "bf16" or "f32".
const char *unitName(ProductUnit unit);

/// What a machine can do at most, per second. Products are multiply-adds.
struct MachineRates {
  std::string source;       ///< where the figures come from, for people
  uint32_t threads = 1;     ///< one for each core
  double readBytes = 0;     ///< from memory, all threads together
  double coreReadBytes = 0; ///< from memory, one thread alone
  double cacheBytes = 0;    ///< of activations in a core's cache, one thread
  double byteProducts = 0;  ///< 8-bit, one thread
  double bf16Products = 0;  ///< one thread; 0: computed in float32
  double floatProducts = 0; ///< one thread
};

/// What one launch does in a step.
struct LaunchLoad {
  double readBytes = 0; ///< weights and cache
  bool cached = false;  ///< they stay in a cache from step to step
  double rowBytes = 0;  ///< of activations, read and written
  double products = 0;
  ProductUnit unit = ProductUnit::Float32;
  int64_t items = 1;
  bool barrier = false;
  bool replicated = false; ///< every thread works on all items
};

/// Seconds that the slowest thread needs: a wait and a call, then the longest
/// of reading, multiplying and passing the activations through its cache.
double launchSeconds(const MachineRates &rates, const LaunchLoad &load);

} // namespace sinter

#endif // SINTER_RUNTIME_LAUNCHCOST_H
