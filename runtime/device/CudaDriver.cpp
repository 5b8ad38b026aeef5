/// One context, one stream, and a list of all that must be given back.
#include "runtime/device/CudaDriver.h"

#include "runtime/DeviceCode.h"
#include "runtime/ModelInfo.h"
#include "runtime/device/CudaLibrary.h"

#include <fmt/format.h>

#include <utility>

namespace sinter {

using cuda::Handle;
using cuda::Library;
using cuda::Pointer;

namespace {

// Numbers of the driver API's reference manual.
constexpr unsigned kStreamNonBlocking = 1, kEventNoTiming = 2;
constexpr unsigned kRegisterMapped = 2, kRegisterReadOnly = 8;
constexpr int kDynamicSharedBytes = 8; ///< attribute of a function
constexpr int kCaptureThread = 1;
constexpr int kProgrammaticSerialization = 6; ///< attribute of a launch
/// CUDA 12.3: the first whose graphs have data at their edges, in which a
/// captured launch keeps what that attribute says.
constexpr int kEarlyInGraphs = 12030;
/// More dynamic shared memory than this must be asked for.
constexpr uint32_t kUsualShared = 48 << 10;

/// That of the calling thread, as far as this program has set it.
thread_local Handle currentContext = nullptr;

class CudaDriver final : public DeviceDriver {
public:
  CudaDriver(const Library &library, GpuFacts gpu)
      : library_(library), gpu_(std::move(gpu)) {}
  ~CudaDriver() override;

  Status open();

  std::string name() const override {
    return fmt::format("GPU {}, {}", gpu_.ordinal, gpu_.name);
  }
  int threads() const override { return 1; }
  bool beginsEarly() const override {
    return library_.launchWith && gpu_.driver >= kEarlyInGraphs;
  }
  Result<std::vector<void *>>
  loadKernels(const ArtifactTarget &target) override;
  Result<std::byte *> allocate(uint64_t bytes,
                               const std::string &what) override;
  void free(std::byte *memory) override;
  uint64_t freeBytes() const override {
    size_t free = 0, total = 0;
    return cuda().memoryInfo(&free, &total) == 0 ? free : 0;
  }
  Result<std::byte *> allocatePinned(uint64_t bytes) override;
  void freePinned(std::byte *memory) override;
  std::byte *useInPlace(std::span<const std::byte> memory,
                        const std::string &what) override;
  uint64_t allocations() const override { return allocations_; }

  Status copyIn(std::byte *to, const std::byte *from, uint64_t bytes) override {
    return check(cuda().copyIn(at(to), from, bytes, stream_),
                 "copy to the GPU");
  }
  Status copyOut(std::byte *to, const std::byte *from,
                 uint64_t bytes) override {
    return check(cuda().copyOut(to, at(from), bytes, stream_),
                 "copy from the GPU");
  }
  Status copy(std::byte *to, const std::byte *from, uint64_t bytes) override {
    return check(cuda().copy(at(to), at(from), bytes, stream_),
                 "copy on the GPU");
  }
  Status zero(std::byte *to, uint64_t bytes) override {
    return check(cuda().fill(at(to), 0, bytes, stream_), "clear memory");
  }
  Status launch(const DeviceLaunch &launch) override;
  Status record(unsigned event) override {
    return check(cuda().eventRecord(events_[event], stream_),
                 "record an event");
  }
  Status wait(unsigned event) override {
    return check(cuda().eventWait(events_[event]), "wait for an event");
  }
  Status beginGraph() override {
    return check(cuda().captureBegin(stream_, kCaptureThread),
                 "capture launches");
  }
  Result<void *> endGraph() override;
  Status launchGraph(void *graph) override {
    return check(cuda().graphLaunch(graph, stream_), "launch a graph");
  }
  Status synchronize() override {
    return check(cuda().streamWait(stream_), "finish a step");
  }

private:
  struct Taken {
    std::string what;
    uint64_t bytes;
    Pointer memory;
  };

  static Pointer at(const std::byte *memory) {
    return reinterpret_cast<Pointer>(memory);
  }
  /// The driver's functions: they work in the context that the calling thread
  /// has, which may be that of another GPU, or none.
  const Library &cuda() const {
    if (context_ && currentContext != context_ &&
        library_.contextSet(context_) == 0)
      currentContext = context_;
    return library_;
  }
  Status check(int code, const char *doing) const {
    return cuda::statusOf(library_, code, doing);
  }
  Result<Handle> function(const ArtifactTarget &target, size_t kernel);
  std::string memoryTable(uint64_t bytes, const std::string &what) const;

  const Library &library_;
  GpuFacts gpu_;
  Handle context_ = nullptr, stream_ = nullptr;
  Handle events_[2] = {};
  std::vector<Handle> modules_, graphs_;
  std::vector<Taken> taken_;
  std::vector<std::byte *> pinned_;
  std::vector<void *> registered_;
  uint64_t allocations_ = 0;
};

} // namespace

Status CudaDriver::open() {
  int device = 0;
  SINTER_TRY(check(cuda().deviceGet(&device, gpu_.ordinal), "open the GPU"));
  SINTER_TRY(check(cuda().contextRetain(&context_, device), "open the GPU"));
  SINTER_TRY(check(library_.contextSet(context_), "open the GPU"));
  SINTER_TRY(check(cuda().streamCreate(&stream_, kStreamNonBlocking),
                   "make a stream"));
  for (Handle &event : events_)
    SINTER_TRY(
        check(cuda().eventCreate(&event, kEventNoTiming), "make an event"));
  return {};
}

/// What fails here has nobody to tell.
CudaDriver::~CudaDriver() {
  if (stream_)
    cuda().streamWait(stream_);
  for (Handle graph : graphs_)
    cuda().graphExecutableDestroy(graph);
  for (Handle module : modules_)
    cuda().moduleUnload(module);
  for (const Taken &block : taken_)
    cuda().free(block.memory);
  for (std::byte *memory : pinned_)
    cuda().freeHost(memory);
  for (void *memory : registered_)
    cuda().hostUnregister(memory);
  for (Handle event : events_)
    if (event)
      cuda().eventDestroy(event);
  if (stream_)
    cuda().streamDestroy(stream_);
  int device = 0;
  if (context_ && cuda().deviceGet(&device, gpu_.ordinal) == 0)
    cuda().contextRelease(device);
  currentContext = nullptr;
}

Result<Handle> CudaDriver::function(const ArtifactTarget &target,
                                    size_t kernel) {
  const DeviceCode &code = *target.code;
  const bool text = fitOf(code.header, gpu_.capability) == DeviceFit::Text;
  std::string name(target.plan.string(target.plan.kernels[kernel].name));
  Handle module = nullptr, function = nullptr;
  auto image = text ? code.text(kernel) : code.code(kernel);
  Status loaded =
      check(cuda().moduleLoad(&module, image.data()), "load a kernel");
  if (!loaded.ok())
    return loaded.in(fmt::format("kernel '{}'", name));
  modules_.push_back(module);
  Status found = check(cuda().moduleFunction(&function, module, name.c_str()),
                       "find a kernel");
  const uint32_t shared = code.kernels[kernel].dynamicShared;
  if (found.ok() && shared + code.kernels[kernel].shared > kUsualShared)
    found =
        check(cuda().functionSet(function, kDynamicSharedBytes, int(shared)),
              "give a kernel shared memory");
  if (!found.ok())
    return found.in(fmt::format("kernel '{}'", name));
  return function;
}

Result<std::vector<void *>>
CudaDriver::loadKernels(const ArtifactTarget &target) {
  std::vector<void *> kernels;
  for (size_t i = 0; i < target.plan.kernels.size(); ++i) {
    Result<Handle> loaded = function(target, i);
    if (!loaded.ok())
      return loaded.status();
    kernels.push_back(*loaded);
  }
  return kernels;
}

/// Who has how much, the same thing in one line.
std::string CudaDriver::memoryTable(uint64_t bytes,
                                    const std::string &what) const {
  size_t free = 0, total = 0;
  cuda().memoryInfo(&free, &total);
  std::vector<std::pair<std::string, uint64_t>> sums;
  for (const Taken &block : taken_) {
    if (sums.empty() || sums.back().first != block.what)
      sums.emplace_back(block.what, 0);
    sums.back().second += block.bytes;
  }
  std::string text =
      fmt::format("{} has no room for {}: {} asked for, {} of {} free", name(),
                  what, byteText(bytes), byteText(free), byteText(total));
  for (const auto &[name, size] : sums)
    text += fmt::format("; {} took {}", name, byteText(size));
  return text;
}

Result<std::byte *> CudaDriver::allocate(uint64_t bytes,
                                         const std::string &what) {
  ++allocations_;
  Pointer memory = 0;
  int code = cuda().allocate(&memory, bytes ? bytes : 1);
  if (code == cuda::kOutOfMemory)
    return Status(Code::ResourceExhausted, memoryTable(bytes, what));
  SINTER_TRY(check(code, "give memory"));
  taken_.push_back({what, bytes, memory});
  return reinterpret_cast<std::byte *>(memory);
}

void CudaDriver::free(std::byte *memory) {
  if (std::erase_if(taken_, [&](const Taken &block) {
        return block.memory == at(memory);
      }))
    cuda().free(at(memory));
}

Result<std::byte *> CudaDriver::allocatePinned(uint64_t bytes) {
  ++allocations_;
  void *memory = nullptr;
  SINTER_TRY(check(cuda().allocateHost(&memory, bytes ? bytes : 1),
                   "give memory for copies"));
  pinned_.push_back(static_cast<std::byte *>(memory));
  return pinned_.back();
}

void CudaDriver::freePinned(std::byte *memory) {
  if (std::erase(pinned_, memory))
    cuda().freeHost(memory);
}

std::byte *CudaDriver::useInPlace(std::span<const std::byte> memory,
                                  const std::string &) {
  if (!gpu_.unified)
    return nullptr;
  auto *begin = const_cast<std::byte *>(memory.data());
  Pointer device = 0;
  if (cuda().hostRegister(begin, memory.size(),
                          kRegisterMapped | kRegisterReadOnly) != 0)
    return nullptr;
  registered_.push_back(begin);
  return cuda().hostPointer(&device, begin, 0) == 0
             ? reinterpret_cast<std::byte *>(device)
             : nullptr;
}

Status CudaDriver::launch(const DeviceLaunch &launch) {
  const Batch *batch = launch.batch;
  unsigned padded = launch.padded;
  // Operands<n> by value is its array; the batch is a pointer.
  void *parameters[] = {const_cast<void **>(launch.operands), &batch, &padded};
  if (launch.early && beginsEarly()) {
    cuda::LaunchAttribute early = {kProgrammaticSerialization, 0, {1}};
    const cuda::LaunchConfig config = {
        launch.blocks, 1,      1, launch.threads, 1, 1, launch.dynamicShared,
        stream_,       &early, 1};
    return check(cuda().launchWith(&config, launch.kernel, parameters, nullptr),
                 "launch a kernel");
  }
  return check(cuda().launch(launch.kernel, launch.blocks, 1, 1, launch.threads,
                             1, 1, launch.dynamicShared, stream_, parameters,
                             nullptr),
               "launch a kernel");
}

Result<void *> CudaDriver::endGraph() {
  Handle graph = nullptr, executable = nullptr;
  SINTER_TRY(check(cuda().captureEnd(stream_, &graph), "capture launches"));
  int code = cuda().graphInstantiate(&executable, graph, 0);
  cuda().graphDestroy(graph);
  SINTER_TRY(check(code, "make a graph"));
  graphs_.push_back(executable);
  return executable;
}

Result<std::unique_ptr<DeviceDriver>> createCudaDriver(const GpuFacts &gpu) {
  Result<const Library *> library = cuda::openLibrary();
  if (!library.ok())
    return library.status();
  auto driver = std::make_unique<CudaDriver>(**library, gpu);
  SINTER_TRY(driver->open());
  return std::unique_ptr<DeviceDriver>(std::move(driver));
}

} // namespace sinter
