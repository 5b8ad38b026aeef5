/// Lays out an artifact in a file: the one writer of the format, used by the
/// compiler and by tests, so that reader and writer cannot drift apart.
#ifndef SINTER_RUNTIME_ARTIFACTBYTES_H
#define SINTER_RUNTIME_ARTIFACTBYTES_H

#include "runtime/ArtifactFormat.h"
#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Sections go to the file in the order of the calls. The file has a temporary
/// name beside its final one until finish(); an unfinished one is removed.
/// The same calls give the same bytes.
class ArtifactBuilder {
public:
  /// Begins `path`. Errors: InvalidArgument when it cannot be created.
  static Result<ArtifactBuilder> create(const std::string &path);

  ArtifactBuilder(ArtifactBuilder &&other) noexcept;
  ArtifactBuilder &operator=(ArtifactBuilder &&other) noexcept;
  ~ArtifactBuilder();

  /// Adds a section whose bytes are at hand; `target` where each has its own.
  Status addSection(SectionKind kind, std::span<const std::byte> bytes,
                    uint32_t target = 0);
  Status addSection(SectionKind kind, std::string_view text,
                    uint32_t target = 0);

  /// Adds a section of `bytes` zeroes mapped from the file, to be filled in
  /// place (by several threads, in any order) before finish(). The span is
  /// valid until finish(). Errors: ResourceExhausted when the disk is full.
  Result<std::span<std::byte>> reserveSection(SectionKind kind, uint64_t bytes,
                                              uint32_t target = 0);

  /// Hashes everything, writes the header and renames the file to its name.
  Status finish();

private:
  struct Section {
    SectionEntry entry;
    std::byte *data; ///< mapped
  };

  ArtifactBuilder() = default;
  Status fail(const std::string &what) const;
  Status writeHead();
  void unmap();

  std::string path_;
  std::string temporary_;
  int file_ = -1;
  uint64_t end_ = 0;
  std::vector<Section> sections_;
};

} // namespace sinter

#endif // SINTER_RUNTIME_ARTIFACTBYTES_H
