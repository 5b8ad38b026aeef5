/// Maps the file of a model, or all parts of a split one, and finds keys and
/// tensors across them.
#ifndef SINTER_FRONTENDS_GGUF_GGUFMODEL_H
#define SINTER_FRONTENDS_GGUF_GGUFMODEL_H

#include "frontends/gguf/GgufFile.h"

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sinter {

/// A tensor and the part that it lies in.
struct PlacedTensor {
  const GgufTensor *tensor = nullptr;
  uint32_t file = 0;
};

class GgufModel {
public:
  /// Maps `path`; if it says that it is the first of several parts, the
  /// others beside it too (NAME-00001-of-00003.gguf). Fails for a part that is
  /// missing, in the wrong place, or does not fit the others.
  static llvm::Expected<std::shared_ptr<GgufModel>> open(llvm::StringRef path);
  /// A model whose one file is in `bytes`, which must outlive it. `name` is
  /// for messages; no other part is looked for.
  static llvm::Expected<std::shared_ptr<GgufModel>>
  view(std::span<const std::byte> bytes, llvm::StringRef name);

  std::span<const GgufFile> files() const { return parts; }
  const GgufFile &first() const { return parts.front(); }
  const GgufValue *find(llvm::StringRef key) const { return first().find(key); }
  /// `tensor` is null if no part has it.
  PlacedTensor findTensor(llvm::StringRef name) const;

  /// `size` bytes at `offset` of part `file`, which must lie inside it, as the
  /// place of every tensor does.
  std::span<const std::byte> bytes(uint32_t file, uint64_t offset,
                                   uint64_t size) const;

private:
  llvm::Error map(llvm::StringRef path);
  llvm::Error mapOtherParts(llvm::StringRef path);
  llvm::Error checkPart(size_t index, uint64_t count) const;
  llvm::Error checkTensors() const;

  std::vector<std::unique_ptr<llvm::MemoryBuffer>> buffers;
  std::vector<GgufFile> parts;
};

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_GGUFMODEL_H
