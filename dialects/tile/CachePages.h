/// How many tokens a page of a KV cache holds: kernels are printed for it, and
/// plans and artifacts say it, so it stands in one place.
#ifndef SINTER_DIALECTS_TILE_CACHEPAGES_H
#define SINTER_DIALECTS_TILE_CACHEPAGES_H

#include <cstdint>

namespace sinter {

/// A multiple of 16, the tokens that keys interleave.
inline constexpr uint32_t kPageTokens = 64;

} // namespace sinter

#endif // SINTER_DIALECTS_TILE_CACHEPAGES_H
