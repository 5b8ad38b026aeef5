/// Tries what was asked for, or a GPU before the processor.
#include "runtime/MakeExecutor.h"

#include "runtime/cpu/CpuExecutor.h"
#include "runtime/device/CudaDriver.h"
#include "runtime/device/DeviceExecutor.h"
#include "runtime/device/EmulatedDriver.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace sinter {

using MadeExecutor = Result<std::unique_ptr<Executor>>;

static MadeExecutor makeProcessor(Artifact &artifact, int threads) {
  SINTER_TRY(artifact.loadKernels());
  return CpuExecutor::create(artifact, threads);
}

static MadeExecutor makeEmulated(Artifact &artifact, const Device &device,
                                 int threads) {
  std::span<const ArtifactTarget> targets = artifact.targets();
  auto found =
      std::find_if(targets.begin(), targets.end(),
                   [](const ArtifactTarget &t) { return t.machine.isGpu(); });
  if (found == targets.end())
    return Status(Code::InvalidArgument,
                  fmt::format("its kernels are for {}; an emulated device runs "
                              "those of a GPU",
                              artifact.targetNames()));
  artifact.choose(size_t(found - targets.begin()));
  Result<std::unique_ptr<DeviceDriver>> driver = createEmulatedDriver(threads);
  if (!driver.ok())
    return driver.status();
  return DeviceExecutor::create(artifact, std::move(*driver), device);
}

static MadeExecutor makeGpu(Artifact &artifact, const Device &device,
                            std::vector<std::string> &notes) {
  if (std::none_of(artifact.targets().begin(), artifact.targets().end(),
                   [](const ArtifactTarget &t) { return t.machine.isGpu(); }))
    return Status(
        Code::InvalidArgument,
        fmt::format("its kernels are for {}, no GPU", artifact.targetNames()));
  Result<GpuFacts> gpu = findGpu(device.gpu);
  if (!gpu.ok())
    return gpu.status();
  Result<GpuChoice> choice = chooseTarget(artifact, *gpu);
  if (!choice.ok())
    return choice.status();
  artifact.choose(choice->target);
  if (!choice->note.empty())
    notes.push_back(choice->note);
  Result<std::unique_ptr<DeviceDriver>> driver = createCudaDriver(*gpu);
  if (!driver.ok())
    return driver.status();
  return DeviceExecutor::create(artifact, std::move(*driver), device);
}

/// An error with the file's name before it.
static MadeExecutor named(const Artifact &artifact, MadeExecutor made) {
  if (made.ok())
    return made;
  return made.status().in(fmt::format("'{}'", artifact.path()));
}

/// The processor, where the file is for one, if no GPU can.
static MadeExecutor makeAny(Artifact &artifact, const Device &device,
                            int threads, std::vector<std::string> &notes) {
  bool gpu = false, code = false, processor = false;
  for (const ArtifactTarget &target : artifact.targets()) {
    (target.machine.isGpu() ? gpu : processor) = true;
    code = code || target.code;
  }
  if (!gpu || (!code && processor))
    return makeProcessor(artifact, threads);
  if (!code)
    return Status(Code::Unsupported,
                  fmt::format("'{}': it holds no machine code for {}, only "
                              "text that an emulated device runs: --device "
                              "emulated",
                              artifact.path(), artifact.targetNames()));
  MadeExecutor made = makeGpu(artifact, device, notes);
  if (made.ok() || !processor)
    return named(artifact, std::move(made));
  notes.push_back("the processor is used: " + made.status().message());
  return makeProcessor(artifact, threads);
}

Result<std::unique_ptr<Executor>>
makeExecutor(Artifact &artifact, const Device &device, int threads,
             std::vector<std::string> &notes) {
  switch (device.kind) {
  case DeviceKind::Auto:
    return makeAny(artifact, device, threads, notes);
  case DeviceKind::Processor:
    return makeProcessor(artifact, threads);
  case DeviceKind::Gpu:
    return named(artifact, makeGpu(artifact, device, notes));
  case DeviceKind::Emulated:
    return named(artifact, makeEmulated(artifact, device, threads));
  }
  return Status(Code::InvalidArgument, "unknown device");
}

} // namespace sinter
