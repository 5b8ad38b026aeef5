/// Finds the sections in the bytes of an artifact and checks that the file is
/// whole: the first thing done with an artifact, before its content is read.
#ifndef SINTER_RUNTIME_ARTIFACTVIEW_H
#define SINTER_RUNTIME_ARTIFACTVIEW_H

#include "runtime/ArtifactFormat.h"
#include "runtime/Status.h"

#include <span>
#include <vector>

namespace sinter {

/// "manifest", "plan", ...; null for a kind this version does not define.
const char *sectionName(SectionKind kind);

/// Whether each target of an artifact has such a section of its own.
bool isPerTarget(SectionKind kind);

/// The sections of an artifact whose bytes outlive this view.
class ArtifactView {
public:
  /// Checks header, section table, padding and every hash. Errors: CorruptData
  /// (what was found and expected), Unsupported for another version.
  static Result<ArtifactView> parse(std::span<const std::byte> file);

  const FileHeader &header() const { return header_; }
  std::span<const SectionEntry> sections() const { return sections_; }

  /// Empty when the artifact has no such section.
  std::span<const std::byte> section(SectionKind kind,
                                     uint32_t target = 0) const;
  bool has(SectionKind kind, uint32_t target = 0) const;

private:
  ArtifactView() = default;

  std::span<const std::byte> file_;
  FileHeader header_ = {};
  std::vector<SectionEntry> sections_;
};

} // namespace sinter

#endif // SINTER_RUNTIME_ARTIFACTVIEW_H
