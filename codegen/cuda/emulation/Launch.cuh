// How a program uses an emulated device that was compiled into a library: the
// kernels are functions of items, as those of a processor are; what went wrong
// in one is asked for afterwards.
namespace sinter::emulation {

struct FirstFault {
  std::atomic<bool> taken = false;
  std::atomic<bool> present = false;
  char message[400] = {};
};
inline FirstFault &firstFault() {
  static FirstFault fault;
  return fault;
}

inline void report(const char *kernel, const char *message) {
  FirstFault &fault = firstFault();
  if (fault.taken.exchange(true))
    return;
  snprintf(fault.message, sizeof(fault.message), "kernel '%s', %s", kernel,
           message);
  fault.present = true;
}

inline std::atomic<uint64_t> scheduleSeed = 0;

/// Runs blocks [begin, end) of a kernel of `threads` threads; `early`, if it
/// may be launched before the one that it depends on has ended.
template <unsigned threads, auto kernel, bool early = false>
inline void runBlocks(const char *name, void *const *operands,
                      const Batch *batch, int64_t begin, int64_t end) {
  static_assert(threads % kLanes == 0 && threads <= kMaxThreads,
                "a block is whole warps");
  struct Call {
    void *const *operands;
    const Batch *batch;
  } call = {operands, batch};
  const uint64_t seed = scheduleSeed;
  for (int64_t item = begin; item < end; ++item) {
    block().seed(seed ? seed + uint64_t(item) * 0x9e3779b97f4a7c15u : 0);
    const bool done = block().run(
        threads, item,
        [](void *argument) {
          const auto *call = static_cast<const Call *>(argument);
          kernel(call->operands, *call->batch);
        },
        &call, early);
    if (!done)
      return report(name, block().fault());
  }
}

} // namespace sinter::emulation

/// What went wrong first since the library was loaded; null: nothing.
extern "C" inline __attribute__((used, visibility("default")))
const char *sinterEmulationFault() {
  const auto &fault = sinter::emulation::firstFault();
  return fault.present ? fault.message : nullptr;
}

/// Not 0: threads of blocks take turns in an order drawn with this seed.
extern "C" inline __attribute__((used, visibility("default")))
void
sinterEmulationSeed(uint64_t seed) {
  sinter::emulation::scheduleSeed = seed;
}

/// Forgets faults and buffers.
extern "C" inline __attribute__((used, visibility("default")))
void sinterEmulationReset() {
  sinter::emulation::regions().count = 0;
  sinter::emulation::firstFault().present = false;
  sinter::emulation::firstFault().taken = false;
}

/// A buffer that kernels may use from now on: see emulation::Region.
extern "C" inline __attribute__((used, visibility("default")))
bool
sinterEmulationRegion(const char *name, const void *begin, size_t bytes,
                      uint8_t *written, bool constant) {
  auto &all = sinter::emulation::regions();
  if (all.count == sinter::emulation::Regions::kMost)
    return false;
  all.items[all.count++] = {name, static_cast<const char *>(begin), bytes,
                            written, constant};
  return true;
}
