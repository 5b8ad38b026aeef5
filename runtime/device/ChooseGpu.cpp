/// Asks the driver for a GPU, and an artifact for what that GPU can run.
#include "runtime/DeviceCode.h"
#include "runtime/PrintableText.h"
#include "runtime/device/CudaDriver.h"
#include "runtime/device/CudaLibrary.h"

#include <fmt/format.h>

#include <cstdlib>

namespace sinter {

// Attributes of a device (driver API's reference manual).
static constexpr int kIntegrated = 18, kMajor = 75, kMinor = 76,
                     kReadOnlyRegister = 113;
/// The least version: CUDA 12.0, whose drivers have all that is used.
static constexpr int kLeastVersion = 12000;

static std::string visibleDevices() {
  const char *visible = std::getenv("CUDA_VISIBLE_DEVICES");
  return visible ? fmt::format("; CUDA_VISIBLE_DEVICES is '{}'", visible) : "";
}

static Status checkDriver(const cuda::Library &library, int ordinal) {
  int version = 0, count = 0;
  if (library.driverVersion(&version) == 0 && version < kLeastVersion)
    return Status(Code::Unsupported,
                  fmt::format("the NVIDIA driver is one for CUDA {}.{}, "
                              "expected 12.0 or later: update it",
                              version / 1000, version % 1000 / 10));
  int code = library.init(0);
  if (code == cuda::kNoDevice)
    return Status(Code::Unsupported,
                  "the NVIDIA driver finds no GPU" + visibleDevices());
  SINTER_TRY(cuda::statusOf(library, code, "start"));
  SINTER_TRY(
      cuda::statusOf(library, library.deviceCount(&count), "count the GPUs"));
  if (ordinal >= count)
    return Status(Code::Unsupported,
                  fmt::format("GPU {} is asked for, there are {} (counted from "
                              "0){}",
                              ordinal, count, visibleDevices()));
  return {};
}

Result<GpuFacts> findGpu(int ordinal) {
  Result<const cuda::Library *> opened = cuda::openLibrary();
  if (!opened.ok())
    return opened.status();
  const cuda::Library &library = **opened;
  SINTER_TRY(checkDriver(library, ordinal));
  int device = 0, major = 0, minor = 0, integrated = 0, readOnly = 0;
  char name[256] = "";
  SINTER_TRY(cuda::statusOf(library, library.deviceGet(&device, ordinal),
                            "open the GPU"));
  library.deviceName(name, sizeof(name) - 1, device);
  library.deviceAttribute(&major, kMajor, device);
  library.deviceAttribute(&minor, kMinor, device);
  library.deviceAttribute(&integrated, kIntegrated, device);
  library.deviceAttribute(&readOnly, kReadOnlyRegister, device);
  GpuFacts gpu;
  gpu.ordinal = ordinal;
  library.driverVersion(&gpu.driver);
  gpu.name = printable(name);
  gpu.capability = static_cast<uint32_t>(10 * major + minor);
  // The file is mapped read-only.
  gpu.unified = integrated != 0 && readOnly != 0;
  return gpu;
}

/// Machine code of this very GPU, then of the nearest earlier one, then PTX.
static uint32_t rank(const DeviceCodeHeader &header, uint32_t capability) {
  switch (fitOf(header, capability)) {
  case DeviceFit::Code:
    return 2000 + header.capability;
  case DeviceFit::Text:
    return 1000 + header.textCapability;
  case DeviceFit::None:
    return 0;
  }
  return 0;
}

Result<GpuChoice> chooseTarget(const Artifact &artifact, const GpuFacts &gpu) {
  GpuChoice choice;
  uint32_t best = 0;
  bool machineCode = false;
  for (size_t i = 0; i < artifact.targets().size(); ++i) {
    const ArtifactTarget &target = artifact.targets()[i];
    if (!target.code)
      continue;
    machineCode = true;
    if (uint32_t found = rank(target.code->header, gpu.capability);
        found > best) {
      best = found;
      choice.target = i;
    }
  }
  if (!machineCode)
    return Status(Code::Unsupported,
                  fmt::format("it holds no machine code for a GPU, only for "
                              "{}",
                              artifact.targetNames()));
  std::string asked = fmt::format("sm_{}", gpu.capability);
  if (best == 0)
    return Status(Code::Unsupported,
                  fmt::format("its kernels are for {}; GPU {} ({}) runs {}: "
                              "compile again with --target {} or, if compile "
                              "does not know it, the nearest earlier one",
                              artifact.targetNames(), gpu.ordinal, gpu.name,
                              asked, asked));
  if (best < 2000)
    choice.note = fmt::format(
        "GPU {} ({}) runs PTX that was made for {}, since the file has no "
        "machine code for it; --target {} makes some, if compile knows it",
        gpu.ordinal, gpu.name, artifact.targets()[choice.target].machine.name,
        asked);
  return choice;
}

} // namespace sinter
