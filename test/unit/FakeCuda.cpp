/// A driver that plays a GPU in this process, for tests without one: work is
/// queued and done when it is waited for, memory is watched, and what a test
/// asks for goes wrong. It runs the kernels of a shared object of
/// KernelFunctions that FAKE_CUDA_KERNELS names. FAKE_CUDA lists, with commas:
///
///   gpus=N capability=N memory=BYTES version=N unified=1 fail=FUNCTION:CODE
#include "test/unit/FakeCuda.h"
#include "runtime/ArtifactFormat.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

using namespace sinter;

namespace {

constexpr int kInvalidValue = 1, kOutOfMemory = 2, kNoDevice = 100,
              kInvalidDevice = 101, kInvalidImage = 200, kInvalidContext = 201,
              kNotFound = 500, kIllegalAddress = 700, kNotSupported = 801,
              kCaptureUnsupported = 900;

/// The context of the calling thread.
thread_local void *current = nullptr;

struct Fake {
  std::string options;
  std::map<char *, size_t> device, pinned, registered;
  std::vector<std::function<int()>> queue; ///< of the one stream
  std::vector<std::function<int()>> *capture = nullptr;
  std::set<void *> graphs, executables;
  void *kernels = nullptr;
  FakeCudaCounts counts;
};

Fake &fake() {
  static Fake made;
  return made;
}

std::string option(const std::string &key) {
  const char *text = std::getenv("FAKE_CUDA");
  std::string options = text ? text : "";
  size_t at = ("," + options).find("," + key + "=");
  if (at == std::string::npos)
    return "";
  at += key.size() + 1;
  return options.substr(at, options.find(',', at) - at);
}

uint64_t number(const std::string &key, uint64_t otherwise) {
  std::string text = option(key);
  return text.empty() ? otherwise : std::strtoull(text.c_str(), nullptr, 0);
}

/// The code that a test wants `function` to return; 0: what is right.
int wanted(const char *function) {
  std::string fail = option("fail");
  size_t colon = fail.find(':');
  if (colon == std::string::npos || fail.substr(0, colon) != function)
    return 0;
  return std::atoi(fail.c_str() + colon + 1);
}

/// Whether [at, at + bytes) lies in one of these blocks.
bool holds(const std::map<char *, size_t> &blocks, const void *at,
           size_t bytes) {
  auto *begin = static_cast<char *>(const_cast<void *>(at));
  auto next = blocks.upper_bound(begin);
  if (next == blocks.begin())
    return false;
  auto block = std::prev(next);
  return begin + bytes <= block->first + block->second;
}

bool onDevice(unsigned long long at, size_t bytes) {
  const auto *memory = reinterpret_cast<const void *>(at);
  return holds(fake().device, memory, bytes) ||
         holds(fake().registered, memory, bytes);
}

int enqueue(std::function<int()> work) {
  if (current == nullptr)
    return kInvalidContext;
  (fake().capture ? *fake().capture : fake().queue).push_back(std::move(work));
  return 0;
}

int drain() {
  std::vector<std::function<int()>> queue;
  queue.swap(fake().queue);
  for (const auto &work : queue)
    if (int code = work())
      return code;
  return 0;
}

template <typename Blocks> int give(Blocks &blocks, size_t bytes, void **out) {
  auto *memory = static_cast<char *>(std::malloc(bytes));
  // As real memory, it holds what somebody left.
  std::memset(memory, 0xa5, bytes);
  blocks[memory] = bytes;
  *out = memory;
  return 0;
}

template <typename Blocks> int takeBack(Blocks &blocks, void *memory) {
  if (!blocks.erase(static_cast<char *>(memory)))
    return kInvalidValue;
  std::free(memory);
  return 0;
}

} // namespace

extern "C" {

FakeCudaCounts fakeCudaCounts() {
  FakeCudaCounts counts = fake().counts;
  counts.live = fake().device.size() + fake().pinned.size() +
                fake().registered.size() + fake().graphs.size() +
                fake().executables.size();
  return counts;
}

int cuInit(unsigned) {
  if (int code = wanted("cuInit"))
    return code;
  return number("gpus", 1) ? 0 : kNoDevice;
}
int cuDriverGetVersion(int *version) {
  *version = int(number("version", 13000));
  return 0;
}
int cuGetErrorName(int code, const char **name) {
  static std::string text;
  text = "FAKE_" + std::to_string(code);
  *name = text.c_str();
  return 0;
}
int cuGetErrorString(int, const char **text) {
  *text = "a planted failure";
  return 0;
}
int cuDeviceGetCount(int *count) {
  *count = int(number("gpus", 1));
  return 0;
}
int cuDeviceGet(int *device, int ordinal) {
  *device = ordinal;
  return uint64_t(ordinal) < number("gpus", 1) ? 0 : kInvalidDevice;
}
int cuDeviceGetName(char *name, int bytes, int) {
  std::snprintf(name, size_t(bytes), "Fake GPU");
  return 0;
}
int cuDeviceGetAttribute(int *value, int attribute, int) {
  const int capability = int(number("capability", 90));
  *value = attribute == 75                       ? capability / 10
           : attribute == 76                     ? capability % 10
           : attribute == 18 || attribute == 113 ? int(number("unified", 0))
                                                 : 0;
  return 0;
}
int cuDevicePrimaryCtxRetain(void **context, int) {
  *context = &fake();
  ++fake().counts.contexts;
  return wanted("cuDevicePrimaryCtxRetain");
}
int cuDevicePrimaryCtxRelease_v2(int) {
  --fake().counts.contexts;
  return 0;
}
int cuCtxSetCurrent(void *context) {
  current = context;
  return context == &fake() ? 0 : kInvalidValue;
}
int cuMemGetInfo_v2(size_t *free, size_t *total) {
  *total = number("memory", uint64_t(1) << 40);
  *free = *total;
  for (const auto &[memory, bytes] : fake().device)
    *free -= bytes;
  return 0;
}
int cuMemAlloc_v2(unsigned long long *out, size_t bytes) {
  size_t free = 0, total = 0;
  cuMemGetInfo_v2(&free, &total);
  if (bytes > free)
    return kOutOfMemory;
  void *memory = nullptr;
  give(fake().device, bytes, &memory);
  *out = reinterpret_cast<unsigned long long>(memory);
  return wanted("cuMemAlloc_v2");
}
int cuMemFree_v2(unsigned long long memory) {
  return takeBack(fake().device, reinterpret_cast<void *>(memory));
}
int cuMemAllocHost_v2(void **memory, size_t bytes) {
  return give(fake().pinned, bytes, memory);
}
int cuMemFreeHost(void *memory) {
  return fake().queue.empty() ? takeBack(fake().pinned, memory)
                              : kInvalidValue; // a copy may still need it
}
int cuMemHostRegister_v2(void *memory, size_t bytes, unsigned) {
  if (int code = wanted("cuMemHostRegister_v2"))
    return code;
  fake().registered[static_cast<char *>(memory)] = bytes;
  return 0;
}
int cuMemHostUnregister(void *memory) {
  return fake().registered.erase(static_cast<char *>(memory)) ? 0
                                                              : kInvalidValue;
}
int cuMemHostGetDevicePointer_v2(unsigned long long *device, void *memory,
                                 unsigned) {
  *device = reinterpret_cast<unsigned long long>(memory);
  return 0;
}
int cuMemcpyHtoDAsync_v2(unsigned long long to, const void *from, size_t bytes,
                         void *) {
  if (fake().capture || !onDevice(to, bytes))
    return fake().capture ? kCaptureUnsupported : kIllegalAddress;
  auto *into = reinterpret_cast<void *>(to);
  if (holds(fake().pinned, from, bytes))
    return enqueue([=] { return std::memcpy(into, from, bytes), 0; });
  // What is not pinned is taken before the call returns.
  std::string taken(static_cast<const char *>(from), bytes);
  return enqueue([=] { return std::memcpy(into, taken.data(), bytes), 0; });
}
int cuMemcpyDtoHAsync_v2(void *to, unsigned long long from, size_t bytes,
                         void *) {
  if (int code = wanted("cuMemcpyDtoHAsync_v2"))
    return code;
  if (fake().capture || !onDevice(from, bytes))
    return fake().capture ? kCaptureUnsupported : kIllegalAddress;
  const auto *begin = reinterpret_cast<const void *>(from);
  return enqueue([=] { return std::memcpy(to, begin, bytes), 0; });
}
int cuMemcpyDtoDAsync_v2(unsigned long long to, unsigned long long from,
                         size_t bytes, void *) {
  if (fake().capture || !onDevice(to, bytes) || !onDevice(from, bytes))
    return fake().capture ? kCaptureUnsupported : kIllegalAddress;
  auto *into = reinterpret_cast<void *>(to);
  const auto *begin = reinterpret_cast<const void *>(from);
  return enqueue([=] { return std::memcpy(into, begin, bytes), 0; });
}
int cuMemsetD8Async(unsigned long long at, unsigned char value, size_t bytes,
                    void *) {
  if (fake().capture || !onDevice(at, bytes))
    return fake().capture ? kCaptureUnsupported : kIllegalAddress;
  auto *into = reinterpret_cast<void *>(at);
  return enqueue([=] { return std::memset(into, value, bytes), 0; });
}
int cuStreamCreate(void **stream, unsigned) {
  *stream = &fake().queue;
  return 0;
}
int cuStreamDestroy_v2(void *) { return 0; }
int cuStreamSynchronize(void *) {
  if (fake().capture)
    return kCaptureUnsupported;
  int code = drain();
  return code ? code : wanted("cuStreamSynchronize");
}
int cuEventCreate(void **event, unsigned) {
  *event = new int(0);
  return 0;
}
int cuEventDestroy_v2(void *event) {
  delete static_cast<int *>(event);
  return 0;
}
int cuEventRecord(void *, void *) { return 0; }
int cuEventSynchronize(void *) { return drain(); }

int cuModuleLoadData(void **module, const void *image) {
  if (int code = wanted("cuModuleLoadData"))
    return code;
  const bool elf = std::memcmp(image,
                               "\x7f"
                               "ELF",
                               4) == 0;
  ++(elf ? fake().counts.code : fake().counts.text);
  ++fake().counts.modules;
  const char *path = std::getenv("FAKE_CUDA_KERNELS");
  if (!path)
    return kInvalidImage;
  fake().kernels = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  *module = fake().kernels;
  return fake().kernels ? 0 : kInvalidImage;
}
int cuModuleUnload(void *module) {
  --fake().counts.modules;
  return dlclose(module);
}
int cuModuleGetFunction(void **function, void *module, const char *name) {
  *function = dlsym(module, name);
  return *function ? 0 : kNotFound;
}
int cuFuncSetAttribute(void *, int, int) { return 0; }
int cuLaunchKernel(void *function, unsigned gridX, unsigned gridY,
                   unsigned gridZ, unsigned blockX, unsigned, unsigned,
                   unsigned, void *, void **parameters, void **) {
  if (int code = wanted("cuLaunchKernel"))
    return code;
  if (gridX == 0 || gridY != 1 || gridZ != 1 || blockX == 0 || blockX % 32)
    return kInvalidValue;
  auto *operands = static_cast<void *const *>(parameters[0]);
  const Batch *batch = *static_cast<const Batch *const *>(parameters[1]);
  auto *kernel = reinterpret_cast<KernelFunction>(function);
  return enqueue([=] {
    if (!onDevice(reinterpret_cast<unsigned long long>(batch), sizeof(Batch)))
      return kIllegalAddress;
    ++fake().counts.launches;
    kernel(operands, batch, 0, gridX);
    return 0;
  });
}
/// As the manual has it: of the attributes only the one that is used.
struct FakeAttribute {
  int number, pad, value, rest[15];
};
struct FakeConfig {
  unsigned gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes;
  void *stream;
  FakeAttribute *attributes;
  unsigned count;
};
int cuLaunchKernelEx(const FakeConfig *config, void *function,
                     void **parameters, void **extra) {
  if (int code = wanted("cuLaunchKernelEx"))
    return code;
  if (config->count != 1 || config->attributes->number != 6 ||
      config->attributes->value != 1 || config->stream != &fake().queue)
    return kInvalidValue;
  if (number("capability", 90) < 90)
    return kNotSupported;
  enqueue([] { return ++fake().counts.early, 0; });
  return cuLaunchKernel(function, config->gridX, config->gridY, config->gridZ,
                        config->blockX, config->blockY, config->blockZ,
                        config->sharedBytes, config->stream, parameters, extra);
}
int cuStreamBeginCapture_v2(void *, int) {
  fake().capture = new std::vector<std::function<int()>>;
  return 0;
}
int cuStreamEndCapture(void *, void **graph) {
  *graph = std::exchange(fake().capture, nullptr);
  fake().graphs.insert(*graph);
  return 0;
}
int cuGraphInstantiateWithFlags(void **executable, void *graph,
                                unsigned long long) {
  *executable = new std::vector<std::function<int()>>(
      *static_cast<std::vector<std::function<int()>> *>(graph));
  fake().executables.insert(*executable);
  return wanted("cuGraphInstantiateWithFlags");
}
int cuGraphLaunch(void *executable, void *) {
  ++fake().counts.graphLaunches;
  for (const auto &work :
       *static_cast<std::vector<std::function<int()>> *>(executable))
    enqueue(work);
  return 0;
}
int cuGraphDestroy(void *graph) {
  fake().graphs.erase(graph);
  delete static_cast<std::vector<std::function<int()>> *>(graph);
  return 0;
}
int cuGraphExecDestroy(void *executable) {
  fake().executables.erase(executable);
  delete static_cast<std::vector<std::function<int()>> *>(executable);
  return 0;
}

} // extern "C"
