/// Writes GGUF files byte by byte, right or wrong, for the tests of the reader.
#ifndef SINTER_TEST_UNIT_GGUFBYTES_H
#define SINTER_TEST_UNIT_GGUFBYTES_H

#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Appends little-endian fields to `bytes`.
struct GgufBytes {
  std::string bytes;

  template <typename T> GgufBytes &put(T value) {
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    bytes.append(raw, sizeof(T));
    return *this;
  }
  GgufBytes &text(std::string_view value) {
    put<uint64_t>(value.size());
    bytes += value;
    return *this;
  }
  GgufBytes &header(uint64_t tensors, uint64_t keys, uint32_t version = 3) {
    bytes += "GGUF";
    return put(version).put(tensors).put(keys);
  }
  /// A key and the number of its value's type.
  GgufBytes &key(std::string_view name, uint32_t type) {
    return text(name).put(type);
  }
  GgufBytes &tensor(std::string_view name, std::vector<uint64_t> dims,
                    uint32_t type, uint64_t offset) {
    text(name).put(static_cast<uint32_t>(dims.size()));
    for (uint64_t dim : dims)
      put(dim);
    return put(type).put(offset);
  }
  /// Zeros up to a multiple of `alignment`, then `count` more.
  GgufBytes &data(size_t count, size_t alignment = 32) {
    while (bytes.size() % alignment)
      bytes += '\0';
    bytes.append(count, '\0');
    return *this;
  }

  std::span<const std::byte> span() const {
    return std::as_bytes(std::span<const char>(bytes));
  }
};

} // namespace sinter

#endif // SINTER_TEST_UNIT_GGUFBYTES_H
