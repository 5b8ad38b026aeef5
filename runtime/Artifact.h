/// Opens a compiled model: maps the file, checks all of it, and loads its
/// kernels.
#ifndef SINTER_RUNTIME_ARTIFACT_H
#define SINTER_RUNTIME_ARTIFACT_H

#include "runtime/ArtifactView.h"
#include "runtime/DeviceCode.h"
#include "runtime/Manifest.h"
#include "runtime/MappedMemory.h"
#include "runtime/Plan.h"
#include "runtime/Status.h"
#include "runtime/cpu/KernelLibrary.h"

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace sinter {

/// One of the machines that a file was compiled for. Sections stay where they
/// are in the file.
struct ArtifactTarget {
  ManifestTarget machine;
  Plan plan;
  std::span<const std::byte> kernels, report;
  std::optional<DeviceCode> code; ///< of a GPU, where the compiler made it
};

/// A checked artifact. Spans into it live as long as it does; moving it keeps
/// them valid.
class Artifact {
public:
  /// Maps and checks a file; loads nothing that could be executed. Errors name
  /// the file.
  static Result<Artifact> open(const std::string &path);

  /// The same for bytes that outlive the artifact.
  static Result<Artifact> parse(std::span<const std::byte> file);

  /// What the file was compiled for, in the manifest's order; and the one that
  /// plan(), report() and kernels() are of: the first, until another is chosen.
  std::span<const ArtifactTarget> targets() const { return targets_; }
  const ArtifactTarget &target() const { return targets_[chosen_]; }
  void choose(size_t target) { chosen_ = target; }
  /// Their names, for messages.
  std::string targetNames() const;

  /// Makes kernels for a processor callable, and chooses the first target whose
  /// they can be. Errors: Unsupported when this processor lacks a required
  /// feature or all are for GPUs, CorruptData for kernels that do not load.
  Status loadKernels();

  const std::string &path() const { return path_; }
  const ArtifactView &view() const { return view_; }
  const Manifest &manifest() const { return manifest_; }
  const Plan &plan() const { return target().plan; }
  std::span<const std::byte> weights() const;
  std::span<const std::byte> vocabulary() const;
  std::span<const std::byte> report() const { return target().report; }

  /// One per PlanKernel, after loadKernels().
  std::span<const KernelFunction> kernels() const { return kernels_; }

private:
  explicit Artifact(ArtifactView view) : view_(std::move(view)) {}

  Status addTarget(const ManifestTarget &target);
  Status chooseProcessor();

  std::string path_;
  MappedMemory file_;
  ArtifactView view_;
  Manifest manifest_;
  std::vector<ArtifactTarget> targets_;
  size_t chosen_ = 0;
  KernelLibrary library_;
  std::vector<KernelFunction> kernels_;
};

} // namespace sinter

#endif // SINTER_RUNTIME_ARTIFACT_H
