/// Finds the functions under the names of their current versions.
#include "runtime/device/CudaLibrary.h"

#include <fmt/format.h>

#include <cstdlib>
#include <dlfcn.h>
#include <map>
#include <mutex>
#include <string>

namespace sinter::cuda {

namespace {

/// Codes after which a user can do something, and what.
struct Remedy {
  int code;
  const char *text;
};

constexpr const char *kNewerCompiler =
    "the driver is older than the compiler of these kernels: update it, or "
    "compile with an NVRTC of the driver's version (SINTER_NVRTC names one)";
constexpr const char *kFaultyKernel =
    "a kernel is at fault; --device emulated names it and the place";

constexpr Remedy kRemedies[] = {
    {34, "the library found is the one that programs are linked with, no "
         "driver: take its folder out of LD_LIBRARY_PATH"},
    {200, kNewerCompiler}, // invalid image
    {218, kNewerCompiler}, // invalid PTX
    {222, kNewerCompiler}, // unsupported PTX version
    {209, "the driver has no code for this GPU: compile again for it"},
    {700, kFaultyKernel}, // illegal address
    {715, kFaultyKernel}, // illegal instruction
    {716, kFaultyKernel}, // misaligned address
    {719, kFaultyKernel}, // launch failed
    {701, "a kernel asks for more registers or shared memory than the GPU has: "
          "compile again for it"},
    {802, "the machine's own services for its GPUs are not running yet (on "
          "one with NVSwitch: nvidia-fabricmanager)"},
    {804, "the libcuda.so.1 of another version does not serve this GPU: take "
          "its folder out of LD_LIBRARY_PATH"},
    {803, "driver and kernel module have different versions: restart the "
          "machine, or reload the module"},
};

struct Opened {
  Library functions;
  std::string problem; ///< empty: there is none
};

/// A name and where its function goes.
class Binder {
public:
  Binder(void *library, std::string &problem)
      : library_(library), problem_(problem) {}

  template <typename Function>
  void operator()(const char *name, Function &function) {
    function = reinterpret_cast<Function>(dlsym(library_, name));
    if (!function && problem_.empty())
      problem_ = fmt::format("the NVIDIA driver has no function {}; one for "
                             "CUDA 12 or later has it",
                             name);
  }

  template <typename Function>
  void ifPresent(const char *name, Function &function) {
    function = reinterpret_cast<Function>(dlsym(library_, name));
  }

private:
  void *library_;
  std::string &problem_;
};

} // namespace

static void bindMemory(Binder &bind, Library &f) {
  bind("cuMemGetInfo_v2", f.memoryInfo);
  bind("cuMemAlloc_v2", f.allocate);
  bind("cuMemFree_v2", f.free);
  bind("cuMemAllocHost_v2", f.allocateHost);
  bind("cuMemFreeHost", f.freeHost);
  bind("cuMemHostRegister_v2", f.hostRegister);
  bind("cuMemHostUnregister", f.hostUnregister);
  bind("cuMemHostGetDevicePointer_v2", f.hostPointer);
  bind("cuMemcpyHtoDAsync_v2", f.copyIn);
  bind("cuMemcpyDtoHAsync_v2", f.copyOut);
  bind("cuMemcpyDtoDAsync_v2", f.copy);
  bind("cuMemsetD8Async", f.fill);
}

static void bindDevice(Binder &bind, Library &f) {
  bind("cuInit", f.init);
  bind("cuDriverGetVersion", f.driverVersion);
  bind("cuGetErrorName", f.errorName);
  bind("cuGetErrorString", f.errorString);
  bind("cuDeviceGetCount", f.deviceCount);
  bind("cuDeviceGet", f.deviceGet);
  bind("cuDeviceGetName", f.deviceName);
  bind("cuDeviceGetAttribute", f.deviceAttribute);
  bind("cuDevicePrimaryCtxRetain", f.contextRetain);
  bind("cuDevicePrimaryCtxRelease_v2", f.contextRelease);
  bind("cuCtxSetCurrent", f.contextSet);
}

static void bindWork(Binder &bind, Library &f) {
  bind("cuStreamCreate", f.streamCreate);
  bind("cuStreamDestroy_v2", f.streamDestroy);
  bind("cuStreamSynchronize", f.streamWait);
  bind("cuEventCreate", f.eventCreate);
  bind("cuEventDestroy_v2", f.eventDestroy);
  bind("cuEventRecord", f.eventRecord);
  bind("cuEventSynchronize", f.eventWait);
  bind("cuModuleLoadData", f.moduleLoad);
  bind("cuModuleUnload", f.moduleUnload);
  bind("cuModuleGetFunction", f.moduleFunction);
  bind("cuFuncSetAttribute", f.functionSet);
  bind("cuLaunchKernel", f.launch);
  bind.ifPresent("cuLaunchKernelEx", f.launchWith);
  bind("cuStreamBeginCapture_v2", f.captureBegin);
  bind("cuStreamEndCapture", f.captureEnd);
  bind("cuGraphInstantiateWithFlags", f.graphInstantiate);
  bind("cuGraphLaunch", f.graphLaunch);
  bind("cuGraphDestroy", f.graphDestroy);
  bind("cuGraphExecDestroy", f.graphExecutableDestroy);
}

static Opened open(const std::string &path) {
  Opened opened;
  void *library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    const char *why = dlerror();
    opened.problem =
        fmt::format("there is no NVIDIA driver here ({}); install it, or run "
                    "with --device emulated, which is slow",
                    why ? why : path);
    return opened;
  }
  Binder bind(library, opened.problem);
  bindDevice(bind, opened.functions);
  bindMemory(bind, opened.functions);
  bindWork(bind, opened.functions);
  return opened;
}

Result<const Library *> openLibrary() {
  static std::mutex mutex;
  static std::map<std::string, Opened> libraries;
  const char *named = std::getenv("SINTER_CUDA");
  const std::string path = named && *named ? named : "libcuda.so.1";
  std::lock_guard<std::mutex> guard(mutex);
  auto found = libraries.find(path);
  if (found == libraries.end()) {
    // Kernels loaded at their first launch could not be captured in a graph.
    setenv("CUDA_MODULE_LOADING", "EAGER", /*overwrite=*/0);
    found = libraries.emplace(path, open(path)).first;
  }
  if (!found->second.problem.empty())
    return Status(Code::Unsupported, found->second.problem);
  return &found->second.functions;
}

Status statusOf(const Library &library, int code, const char *doing) {
  if (code == 0)
    return {};
  const char *name = nullptr, *text = nullptr;
  library.errorName(code, &name);
  library.errorString(code, &text);
  std::string message =
      fmt::format("the NVIDIA driver fails to {}: {} ({})", doing,
                  text ? text : "unknown error", name ? name : "no name");
  for (const Remedy &remedy : kRemedies)
    if (remedy.code == code)
      (message += "; ") += remedy.text;
  return Status(code == kOutOfMemory ? Code::ResourceExhausted : Code::Internal,
                message);
}

} // namespace sinter::cuda
