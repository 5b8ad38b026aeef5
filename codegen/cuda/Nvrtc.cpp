/// Calls NVRTC through the few of its functions that we need; their types are
/// those of NVIDIA's NVRTC documentation.
#include "codegen/cuda/Nvrtc.h"

#include "codegen/cuda/KernelCache.h"

#include "llvm/Support/FormatVariadic.h"

#include <cstdlib>
#include <dlfcn.h>
#include <mutex>
#include <vector>

namespace sinter {

namespace {

using Program = void *;

/// The library's functions, all of which return 0 on success.
struct Nvrtc {
  int (*version)(int *major, int *minor) = nullptr;
  int (*create)(Program *, const char *source, const char *name, int headers,
                const char *const *, const char *const *) = nullptr;
  int (*compile)(Program, int options, const char *const *) = nullptr;
  int (*destroy)(Program *) = nullptr;
  int (*logSize)(Program, size_t *) = nullptr;
  int (*log)(Program, char *) = nullptr;
  int (*ptxSize)(Program, size_t *) = nullptr;
  int (*ptx)(Program, char *) = nullptr;
  int (*cubinSize)(Program, size_t *) = nullptr;
  int (*cubin)(Program, char *) = nullptr;
  int major = 0, minor = 0;
  std::string problem; ///< why there is none; empty: there is

  Nvrtc();

private:
  void *open();
  template <typename Function>
  void bind(void *library, const char *name, Function &function) {
    function = reinterpret_cast<Function>(dlsym(library, name));
    if (!function && problem.empty())
      (problem = "libnvrtc has no function ") += name;
  }
};

} // namespace

void *Nvrtc::open() {
  if (const char *path = std::getenv("SINTER_NVRTC"); path && *path) {
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    if (!library)
      (problem = "SINTER_NVRTC cannot be opened: ") += dlerror();
    return library;
  }
  for (const char *name : {"libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so",
                           "/usr/local/cuda/lib64/libnvrtc.so.13",
                           "/usr/local/cuda/lib64/libnvrtc.so.12"})
    if (void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL))
      return library;
  problem = "machine code for GPUs is made by NVRTC, and there is no "
            "libnvrtc.so.13 or .12 here; install CUDA's nvrtc (Debian and "
            "Ubuntu: cuda-nvrtc-13-0), or take that of pip's "
            "nvidia-cuda-nvrtc and name the file in SINTER_NVRTC";
  return nullptr;
}

Nvrtc::Nvrtc() {
  void *library = open();
  if (!library)
    return;
  bind(library, "nvrtcVersion", version);
  bind(library, "nvrtcCreateProgram", create);
  bind(library, "nvrtcCompileProgram", compile);
  bind(library, "nvrtcDestroyProgram", destroy);
  bind(library, "nvrtcGetProgramLogSize", logSize);
  bind(library, "nvrtcGetProgramLog", log);
  bind(library, "nvrtcGetPTXSize", ptxSize);
  bind(library, "nvrtcGetPTX", ptx);
  bind(library, "nvrtcGetCUBINSize", cubinSize);
  bind(library, "nvrtcGetCUBIN", cubin);
  if (problem.empty() && version(&major, &minor) != 0)
    problem = "libnvrtc does not tell its version";
}

static const Nvrtc &nvrtc() {
  static const Nvrtc library;
  return library;
}

/// One of the texts that a program holds.
static std::string textOf(Program program, int (*size)(Program, size_t *),
                          int (*get)(Program, char *)) {
  size_t bytes = 0;
  if (size(program, &bytes) != 0 || bytes == 0)
    return "";
  std::string text(bytes, '\0');
  if (get(program, text.data()) != 0)
    return "";
  return text;
}

/// What ends with a zero in the library's memory.
static std::string withoutEnd(std::string text) {
  while (!text.empty() && text.back() == '\0')
    text.pop_back();
  return text;
}

/// No contraction: kernels say where they fuse multiply and add, so that an
/// emulated device computes the same. Functions need no __device__.
static std::vector<std::string> optionsFor(llvm::StringRef target) {
  return {"--gpu-architecture=" + target.str(), "--std=c++20",
          "--device-as-default-execution-space", "--fmad=false",
          "--ptxas-options=-v"};
}

static llvm::Expected<cuda::DeviceCode>
runCompiler(llvm::StringRef source, const std::vector<std::string> &options) {
  const Nvrtc &library = nvrtc();
  Program program = nullptr;
  if (library.create(&program, source.str().c_str(), "kernels.cu", 0, nullptr,
                     nullptr) != 0)
    return llvm::createStringError("NVRTC cannot begin a program");
  std::vector<const char *> arguments;
  for (const std::string &option : options)
    arguments.push_back(option.c_str());
  int status =
      library.compile(program, int(arguments.size()), arguments.data());
  cuda::DeviceCode code;
  code.log = withoutEnd(textOf(program, library.logSize, library.log));
  if (status == 0) {
    code.ptx = withoutEnd(textOf(program, library.ptxSize, library.ptx));
    code.cubin = textOf(program, library.cubinSize, library.cubin);
  }
  library.destroy(&program);
  if (status != 0 || (code.cubin.empty() && code.ptx.empty()))
    return llvm::createStringError("NVRTC %d.%d: %s", library.major,
                                   library.minor,
                                   code.log.substr(0, 2000).c_str());
  return code;
}

std::string cuda::compilerName() {
  const Nvrtc &library = nvrtc();
  return library.problem.empty()
             ? llvm::formatv("NVRTC {0}.{1}", library.major, library.minor)
             : std::string();
}

llvm::Expected<cuda::DeviceCode> cuda::compileDevice(llvm::StringRef source,
                                                     llvm::StringRef target) {
  const Nvrtc &library = nvrtc();
  if (!library.problem.empty())
    return llvm::createStringError("%s", library.problem.c_str());
  std::vector<std::string> options = optionsFor(target);
  std::string key = compilerName();
  for (const std::string &option : options)
    key += " " + option;
  (key += "\n") += source;
  if (std::optional<DeviceCode> known = readKernelCache(key))
    return std::move(*known);
  llvm::Expected<DeviceCode> code = runCompiler(source, options);
  if (code)
    writeKernelCache(key, *code);
  return code;
}

} // namespace sinter
