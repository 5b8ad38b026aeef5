/// Owns pages from the kernel: an artifact's file, or zeroed memory of which
/// only what is touched exists.
#ifndef SINTER_RUNTIME_MAPPEDMEMORY_H
#define SINTER_RUNTIME_MAPPEDMEMORY_H

#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace sinter {

/// One mapping, unmapped when it goes. Its address never changes.
class MappedMemory {
public:
  MappedMemory() = default;
  MappedMemory(MappedMemory &&other) noexcept;
  MappedMemory &operator=(MappedMemory &&other) noexcept;
  ~MappedMemory();

  /// The whole of a regular file, read-only and private. Errors: NotFound,
  /// CorruptData for an empty file, Unsupported for what is not a file.
  static Result<MappedMemory> openFile(const std::string &path);

  /// `bytes` of address space, zero when first read; memory is taken page by
  /// page as it is touched. `what` names it in the error (ResourceExhausted).
  static Result<MappedMemory> reserve(uint64_t bytes, const std::string &what);

  std::byte *data() const { return data_; }
  uint64_t size() const { return size_; }
  std::span<const std::byte> bytes() const { return {data_, size_}; }

private:
  MappedMemory(std::byte *data, uint64_t size) : data_(data), size_(size) {}

  std::byte *data_ = nullptr;
  uint64_t size_ = 0;
};

} // namespace sinter

#endif // SINTER_RUNTIME_MAPPEDMEMORY_H
