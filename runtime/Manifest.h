/// What an artifact says of itself in words: model, target and the processor
/// features it needs.
#ifndef SINTER_RUNTIME_MANIFEST_H
#define SINTER_RUNTIME_MANIFEST_H

#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sinter {

/// What a file was compiled for.
struct ManifestTarget {
  std::string name;                  ///< "x86-64-v4", "sm_121a"
  std::vector<std::string> required; ///< "requires": LLVM feature names

  bool isGpu() const { return name.starts_with("sm_"); }
};

/// The keys of the manifest that the runtime acts on or shows by name; all
/// others are kept in `text`. docs/artifact.md lists every key.
struct Manifest {
  std::string compiler;                ///< "compiler": program and version
  std::string modelName;               ///< "model"."name"
  std::string architecture;            ///< "model"."architecture"
  uint64_t parameters = 0;             ///< "model"."parameters", 0 if not said
  std::string rankTemplate;            ///< "model"."rank_template", if any
  std::vector<ManifestTarget> targets; ///< "targets", one at least
  std::string text;                    ///< the section as it is
};

/// Errors: CorruptData, naming the key.
Result<Manifest> parseManifest(std::span<const std::byte> section);

} // namespace sinter

#endif // SINTER_RUNTIME_MANIFEST_H
