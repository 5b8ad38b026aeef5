/// Hashes the bytes of an artifact, so that a damaged or altered file is
/// refused before anything of it is used.
#ifndef SINTER_RUNTIME_CHECKSUM_H
#define SINTER_RUNTIME_CHECKSUM_H

#include <cstddef>
#include <cstdint>
#include <span>

namespace sinter {

/// XXH3-64 with seed 0: detects damage, not forgery.
uint64_t checksum(std::span<const std::byte> bytes);

} // namespace sinter

#endif // SINTER_RUNTIME_CHECKSUM_H
