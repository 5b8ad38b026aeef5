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

/// The keys of the manifest that the runtime acts on or shows by name; all
/// others are kept in `text`. docs/artifact.md lists every key.
struct Manifest {
  std::string compiler;              ///< "compiler": program and version
  std::string modelName;             ///< "model"."name"
  std::string architecture;          ///< "model"."architecture"
  uint64_t parameters = 0;           ///< "model"."parameters", 0 if not said
  std::string rankTemplate;          ///< "model"."rank_template", if any
  std::string target;                ///< "target"."name"
  std::vector<std::string> required; ///< "requires": LLVM feature names
  std::string text;                  ///< the section as it is
};

/// Errors: CorruptData, naming the key.
Result<Manifest> parseManifest(std::span<const std::byte> section);

} // namespace sinter

#endif // SINTER_RUNTIME_MANIFEST_H
