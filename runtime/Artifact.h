/// Opens a compiled model: maps the file, checks all of it, and loads its
/// kernels.
#ifndef SINTER_RUNTIME_ARTIFACT_H
#define SINTER_RUNTIME_ARTIFACT_H

#include "runtime/ArtifactView.h"
#include "runtime/Device.h"
#include "runtime/Manifest.h"
#include "runtime/MappedMemory.h"
#include "runtime/Plan.h"
#include "runtime/Status.h"
#include "runtime/cpu/KernelLibrary.h"

#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace sinter {

/// A checked artifact. Spans into it live as long as it does; moving it keeps
/// them valid.
class Artifact {
public:
  /// Maps and checks a file; loads nothing that could be executed. Errors name
  /// the file.
  static Result<Artifact> open(const std::string &path);

  /// The same for bytes that outlive the artifact.
  static Result<Artifact> parse(std::span<const std::byte> file);

  /// Makes the kernels callable. Errors: Unsupported when this processor lacks
  /// a required feature or they are for a GPU, CorruptData for kernels that do
  /// not load; for an emulated device InvalidArgument if they are for no GPU,
  /// and compileForHost()'s.
  Status loadKernels(Device device = Device::Target);

  /// What went wrong in a kernel so far, which only an emulated device tells.
  Status kernelFault() const;

  const std::string &path() const { return path_; }
  const ArtifactView &view() const { return view_; }
  const Manifest &manifest() const { return manifest_; }
  const Plan &plan() const { return plan_; }
  std::span<const std::byte> weights() const;
  std::span<const std::byte> vocabulary() const;
  std::span<const std::byte> report() const;

  /// One per PlanKernel, after loadKernels().
  std::span<const KernelFunction> kernels() const { return kernels_; }

private:
  explicit Artifact(ArtifactView view) : view_(std::move(view)) {}

  std::string path_;
  MappedMemory file_;
  ArtifactView view_;
  Manifest manifest_;
  Plan plan_;
  Result<KernelLibrary> loadLibrary(Device device) const;

  KernelLibrary library_;
  const char *(*fault_)() = nullptr;
  std::vector<KernelFunction> kernels_;
};

} // namespace sinter

#endif // SINTER_RUNTIME_ARTIFACT_H
