/// What an architecture file must provide. Each file in arch/ defines one
/// record, and the build lists them.
#ifndef SINTER_FRONTENDS_GGUF_ARCH_H
#define SINTER_FRONTENDS_GGUF_ARCH_H

#include <string_view>

namespace sinter {

class ModelBuilder;

struct Arch {
  /// `general.architecture`, also the prefix of the family's keys.
  std::string_view name;
  /// Reads the keys, then builds the step from embedding to logits. Errors
  /// stay in the builder; the caller looks.
  void (*build)(ModelBuilder &model);
};

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_ARCH_H
