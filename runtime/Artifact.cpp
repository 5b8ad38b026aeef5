/// Puts the checks in their order: whole file, then plan and manifest, then
/// this processor, and only then code is loaded.
#include "runtime/Artifact.h"

#include "runtime/cpu/CpuFeatures.h"

#include <fmt/format.h>

#include <sys/mman.h>
#include <utility>

namespace sinter {

Result<Artifact> Artifact::parse(std::span<const std::byte> file) {
  Result<ArtifactView> view = ArtifactView::parse(file);
  if (!view.ok())
    return view.status();
  for (SectionKind kind : {SectionKind::Manifest, SectionKind::Weights})
    if (!view->has(kind))
      return Status(Code::CorruptData, fmt::format("artifact has no {} section",
                                                   sectionName(kind)));
  Artifact artifact(std::move(*view));
  Result<Manifest> manifest =
      parseManifest(artifact.view_.section(SectionKind::Manifest));
  if (!manifest.ok())
    return manifest.status();
  artifact.manifest_ = std::move(*manifest);
  for (const ManifestTarget &target : artifact.manifest_.targets)
    SINTER_TRY(artifact.addTarget(target));
  for (const SectionEntry &entry : artifact.view_.sections())
    if (entry.target >= artifact.targets_.size())
      return Status(Code::CorruptData,
                    fmt::format("{} section: it is for target {}, the manifest "
                                "has {}",
                                sectionName(entry.kind), entry.target,
                                artifact.targets_.size()));
  return artifact;
}

/// The next one of the manifest.
Status Artifact::addTarget(const ManifestTarget &machine) {
  const auto index = static_cast<uint32_t>(targets_.size());
  for (SectionKind kind : {SectionKind::Plan, SectionKind::Kernels})
    if (!view_.has(kind, index))
      return Status(Code::CorruptData,
                    fmt::format("artifact has no {} section for target {}",
                                sectionName(kind), index));
  ArtifactTarget target;
  target.machine = machine;
  target.kernels = view_.section(SectionKind::Kernels, index);
  target.report = view_.section(SectionKind::Report, index);
  Result<Plan> plan =
      parsePlan(view_.section(SectionKind::Plan, index), weights().size());
  if (!plan.ok())
    return plan.status();
  target.plan = std::move(*plan);
  if (view_.has(SectionKind::DeviceCode, index)) {
    if (!machine.isGpu())
      return Status(
          Code::CorruptData,
          fmt::format("device code section: target {} is no GPU", index));
    Result<DeviceCode> code = parseDeviceCode(
        view_.section(SectionKind::DeviceCode, index), target.plan);
    if (!code.ok())
      return code.status();
    target.code = std::move(*code);
  }
  targets_.push_back(std::move(target));
  return {};
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

std::string Artifact::targetNames() const {
  std::string names;
  for (const ArtifactTarget &target : targets_)
    names += (names.empty() ? "" : ", ") + target.machine.name;
  return names;
}

Status Artifact::chooseProcessor() {
  Status problem(
      Code::Unsupported,
      fmt::format("its kernels are for {}, no processor", targetNames()));
  for (size_t i = 0; i < targets_.size(); ++i) {
    const ManifestTarget &machine = targets_[i].machine;
    if (machine.isGpu())
      continue;
    problem = checkCpuFeatures(machine.required);
    chosen_ = i;
    if (problem.ok())
      return {};
  }
  return problem;
}

Status Artifact::loadKernels() {
  if (!kernels_.empty())
    return {};
  if (Status chosen = chooseProcessor(); !chosen.ok())
    return chosen.in(fmt::format("'{}'", path_));
  Result<KernelLibrary> library = KernelLibrary::load(target().kernels);
  if (!library.ok())
    return library.status().in(fmt::format("'{}'", path_));
  std::vector<KernelFunction> kernels;
  kernels.reserve(plan().kernels.size());
  for (const PlanKernel &kernel : plan().kernels) {
    Result<KernelFunction> function =
        library->find(std::string(plan().string(kernel.name)));
    if (!function.ok())
      return function.status().in(fmt::format("'{}'", path_));
    kernels.push_back(*function);
  }
  library_ = std::move(*library);
  kernels_ = std::move(kernels);
  return {};
}

std::span<const std::byte> Artifact::weights() const {
  return view_.section(SectionKind::Weights);
}

std::span<const std::byte> Artifact::vocabulary() const {
  return view_.section(SectionKind::Vocabulary);
}

} // namespace sinter
