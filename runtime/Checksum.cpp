/// XXH3 is compiled into this file alone, so that no shared library is needed.
#include "runtime/Checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace sinter {

uint64_t checksum(std::span<const std::byte> bytes) {
  return XXH3_64bits(bytes.data(), bytes.size());
}

} // namespace sinter
