/// Puts the checks in their order: whole file, then plan and manifest, then
/// this processor, and only then code is loaded.
#include "runtime/Artifact.h"

#include "runtime/cpu/CpuFeatures.h"
#include "runtime/emulated/HostCompiler.h"

#include <fmt/format.h>

#include <sys/mman.h>
#include <utility>

namespace sinter {

Result<Artifact> Artifact::parse(std::span<const std::byte> file) {
  Result<ArtifactView> view = ArtifactView::parse(file);
  if (!view.ok())
    return view.status();
  for (SectionKind kind : {SectionKind::Manifest, SectionKind::Plan,
                           SectionKind::Kernels, SectionKind::Weights})
    if (!view->has(kind))
      return Status(Code::CorruptData, fmt::format("artifact has no {} section",
                                                   sectionName(kind)));
  Artifact artifact(std::move(*view));
  Result<Manifest> manifest =
      parseManifest(artifact.view_.section(SectionKind::Manifest));
  if (!manifest.ok())
    return manifest.status();
  artifact.manifest_ = std::move(*manifest);
  Result<Plan> plan = parsePlan(artifact.view_.section(SectionKind::Plan),
                                artifact.weights().size());
  if (!plan.ok())
    return plan.status();
  artifact.plan_ = std::move(*plan);
  return artifact;
}

Result<Artifact> Artifact::open(const std::string &path) {
  Result<MappedMemory> file = MappedMemory::openFile(path);
  if (!file.ok())
    return file.status();
  // All of it is about to be hashed: read ahead, in few large pieces.
  madvise(file->data(), file->size(), MADV_HUGEPAGE);
  madvise(file->data(), file->size(), MADV_WILLNEED);
  Result<Artifact> artifact = parse(file->bytes());
  if (!artifact.ok())
    return artifact.status().in(fmt::format("'{}'", path));
  artifact->path_ = path;
  artifact->file_ = std::move(*file);
  return artifact;
}

/// Of an artifact for a GPU the kernels section is the text of its kernels.
Result<KernelLibrary> Artifact::loadLibrary(Device device) const {
  std::span<const std::byte> section = view_.section(SectionKind::Kernels);
  bool gpu = manifest_.target.starts_with("sm_");
  if (gpu && device == Device::Target)
    return Status(Code::Unsupported,
                  fmt::format("its kernels are for the GPU {}, which this "
                              "version runs on an emulated device only: "
                              "--device emulated",
                              manifest_.target));
  if (!gpu && device == Device::Emulated)
    return Status(Code::InvalidArgument,
                  fmt::format("its kernels are for {}; an emulated device runs "
                              "those of a GPU",
                              manifest_.target));
  if (!gpu) {
    SINTER_TRY(checkCpuFeatures(manifest_.required));
    return KernelLibrary::load(section);
  }
  Result<std::vector<std::byte>> object = compileForHost(
      {reinterpret_cast<const char *>(section.data()), section.size()});
  if (!object.ok())
    return object.status();
  return KernelLibrary::load(*object);
}

Status Artifact::loadKernels(Device device) {
  if (!kernels_.empty() || plan_.kernels.empty())
    return {};
  Result<KernelLibrary> library = loadLibrary(device);
  if (!library.ok())
    return library.status().in(fmt::format("'{}'", path_));
  std::vector<KernelFunction> kernels;
  kernels.reserve(plan_.kernels.size());
  for (const PlanKernel &kernel : plan_.kernels) {
    Result<KernelFunction> function =
        library->find(std::string(plan_.string(kernel.name)));
    if (!function.ok())
      return function.status().in(fmt::format("'{}'", path_));
    kernels.push_back(*function);
  }
  library_ = std::move(*library);
  kernels_ = std::move(kernels);
  fault_ = reinterpret_cast<const char *(*)()>(
      library_.symbol("sinterEmulationFault"));
  return {};
}

Status Artifact::kernelFault() const {
  const char *fault = fault_ ? fault_() : nullptr;
  return fault ? Status(Code::Internal, fmt::format("'{}': {}", path_, fault))
               : Status();
}

std::span<const std::byte> Artifact::weights() const {
  return view_.section(SectionKind::Weights);
}

std::span<const std::byte> Artifact::vocabulary() const {
  return view_.section(SectionKind::Vocabulary);
}

std::span<const std::byte> Artifact::report() const {
  return view_.section(SectionKind::Report);
}

} // namespace sinter
