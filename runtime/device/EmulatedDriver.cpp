/// Does each thing at once, except what a graph keeps.
#include "runtime/device/EmulatedDriver.h"

#include "runtime/MappedMemory.h"
#include "runtime/cpu/KernelLibrary.h"
#include "runtime/cpu/LaunchList.h"
#include "runtime/cpu/ThreadPool.h"
#include "runtime/cpu/Topology.h"
#include "runtime/emulated/HostCompiler.h"

#include <fmt/format.h>

#include <cstring>
#include <deque>
#include <utility>

namespace sinter {

namespace {

/// What a library of kernels exports besides (codegen/cuda/emulation).
using FaultFunction = const char *();
using ResetFunction = void();
using RegionFunction = bool(const char *name, const void *begin, size_t bytes,
                            uint8_t *written, bool constant);

/// Memory that kernels may use.
struct Buffer {
  std::string name;
  const std::byte *begin;
  uint64_t bytes;
  bool constant; ///< no kernel writes it
};

class EmulatedDriver final : public DeviceDriver {
public:
  explicit EmulatedDriver(std::unique_ptr<ThreadPool> pool)
      : pool_(std::move(pool)) {}

  std::string name() const override {
    return fmt::format("an emulated GPU on {} threads", threads());
  }
  int threads() const override { return pool_->threads(); }

  Result<std::vector<void *>>
  loadKernels(const ArtifactTarget &target) override;

  Result<std::byte *> allocate(uint64_t bytes,
                               const std::string &what) override {
    Result<std::byte *> memory = reserve(bytes, what);
    if (memory.ok())
      addBuffer(what, *memory, bytes, /*constant=*/false);
    return memory;
  }
  void free(std::byte *memory) override {
    std::erase_if(buffers_,
                  [&](const Buffer &buffer) { return buffer.begin == memory; });
    std::erase_if(memory_, [&](const MappedMemory &mapped) {
      return mapped.data() == memory;
    });
    buffersChanged_ = true;
  }
  Result<std::byte *> allocatePinned(uint64_t bytes) override {
    return reserve(bytes, "a device's buffer");
  }
  /// Kept until this goes, as all others.
  void freePinned(std::byte *) override {}
  std::byte *useInPlace(std::span<const std::byte> memory,
                        const std::string &what) override {
    ++allocations_;
    addBuffer(what, memory.data(), memory.size(), /*constant=*/true);
    return const_cast<std::byte *>(memory.data());
  }
  uint64_t allocations() const override { return allocations_; }

  Status copyIn(std::byte *to, const std::byte *from, uint64_t bytes) override {
    std::memcpy(to, from, bytes);
    return {};
  }
  Status copyOut(std::byte *to, const std::byte *from,
                 uint64_t bytes) override {
    std::memcpy(to, from, bytes);
    return {};
  }
  Status copy(std::byte *to, const std::byte *from, uint64_t bytes) override {
    std::memcpy(to, from, bytes);
    return {};
  }
  Status zero(std::byte *at, uint64_t bytes) override {
    std::memset(at, 0, bytes);
    return {};
  }
  Status launch(const DeviceLaunch &launch) override {
    if (captured_)
      captured_->push_back(launch);
    else
      run({&launch, 1});
    return {};
  }

  Status record(unsigned) override { return {}; }
  Status wait(unsigned) override { return {}; }
  Status beginGraph() override {
    captured_ = &graphs_.emplace_back();
    return {};
  }
  Result<void *> endGraph() override {
    return static_cast<void *>(std::exchange(captured_, nullptr));
  }
  Status launchGraph(void *graph) override {
    run(*static_cast<const std::vector<DeviceLaunch> *>(graph));
    return {};
  }
  Status synchronize() override {
    const char *fault = fault_ ? fault_() : nullptr;
    return fault ? Status(Code::Internal, fault) : Status();
  }

private:
  Result<std::byte *> reserve(uint64_t bytes, const std::string &what);
  void addBuffer(const std::string &name, const std::byte *begin,
                 uint64_t bytes, bool constant) {
    buffers_.push_back({name, begin, bytes, constant});
    buffersChanged_ = true;
  }
  void nameBuffers();
  void run(std::span<const DeviceLaunch> launches);

  std::unique_ptr<ThreadPool> pool_;
  KernelLibrary library_;
  FaultFunction *fault_ = nullptr;
  ResetFunction *reset_ = nullptr;
  RegionFunction *region_ = nullptr;
  std::deque<MappedMemory> memory_;
  std::deque<Buffer> buffers_; ///< the library keeps their names' addresses
  std::deque<std::vector<DeviceLaunch>> graphs_;
  std::vector<DeviceLaunch> *captured_ = nullptr;
  uint64_t allocations_ = 0;
  bool buffersChanged_ = false;
};

} // namespace

Result<std::vector<void *>>
EmulatedDriver::loadKernels(const ArtifactTarget &target) {
  Result<std::vector<std::byte>> object =
      compileForHost({reinterpret_cast<const char *>(target.kernels.data()),
                      target.kernels.size()});
  if (!object.ok())
    return object.status();
  Result<KernelLibrary> library = KernelLibrary::load(*object);
  if (!library.ok())
    return library.status();
  library_ = std::move(*library);
  fault_ = reinterpret_cast<FaultFunction *>(
      library_.symbol("sinterEmulationFault"));
  reset_ = reinterpret_cast<ResetFunction *>(
      library_.symbol("sinterEmulationReset"));
  region_ = reinterpret_cast<RegionFunction *>(
      library_.symbol("sinterEmulationRegion"));
  if (!fault_ || !reset_ || !region_)
    return Status(Code::CorruptData,
                  "the kernels' text is not made for an emulated device");
  std::vector<void *> kernels;
  for (const PlanKernel &kernel : target.plan.kernels) {
    Result<KernelFunction> function =
        library_.find(std::string(target.plan.string(kernel.name)));
    if (!function.ok())
      return function.status();
    kernels.push_back(reinterpret_cast<void *>(*function));
  }
  return kernels;
}

Result<std::byte *> EmulatedDriver::reserve(uint64_t bytes,
                                            const std::string &what) {
  ++allocations_;
  Result<MappedMemory> memory = MappedMemory::reserve(bytes, what);
  if (!memory.ok())
    return memory.status();
  memory_.push_back(std::move(*memory));
  return memory_.back().data();
}

/// Tells the library which memory there is; if there are more buffers than it
/// can watch, it watches none.
void EmulatedDriver::nameBuffers() {
  buffersChanged_ = false;
  reset_();
  for (const Buffer &buffer : buffers_)
    if (!region_(buffer.name.c_str(), buffer.begin, buffer.bytes, nullptr,
                 buffer.constant))
      return reset_();
}

void EmulatedDriver::run(std::span<const DeviceLaunch> launches) {
  if (buffersChanged_)
    nameBuffers();
  for (const DeviceLaunch &launch : launches) {
    const BoundLaunch bound = {
        .kernel = reinterpret_cast<KernelFunction>(launch.kernel),
        .operands = launch.operands,
        .dimension = ItemDimension::One,
        .count = launch.blocks,
        .tile = 1,
        .barrier = LaunchBarrier::Always,
        .replicated = false};
    runLaunches(launch.blocks > 1 ? pool_.get() : nullptr, {&bound, 1},
                *launch.batch);
  }
}

Result<std::unique_ptr<DeviceDriver>> createEmulatedDriver(int threads) {
  Result<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(
      threads ? threads : defaultThreads(), oneOfEachCore(allowedProcessors()));
  if (!pool.ok())
    return pool.status();
  return std::unique_ptr<DeviceDriver>(
      std::make_unique<EmulatedDriver>(std::move(*pool)));
}

} // namespace sinter
