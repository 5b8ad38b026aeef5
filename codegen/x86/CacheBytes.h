/// Writes a token's key and value into a cache of bytes (CachePage.h).
#ifndef SINTER_CODEGEN_X86_CACHEBYTES_H
#define SINTER_CODEGEN_X86_CACHEBYTES_H

#include "codegen/x86/CachePage.h"

namespace sinter::x86 {

/// Where a head of a token goes: the page's first byte, the head, the token's
/// number in the page (i64).
struct CachePlace {
  Value page, head, inPage;
};

/// The key of keyWidth float32 at `from`; `space` has a byte for each column.
void writeKeyBytes(KernelBuilder &k, const CachePage &page, Value from,
                   const CachePlace &place, Value space);

/// The value of valueWidth float32 at `from`.
void writeValueBytes(KernelBuilder &k, const CachePage &page, Value from,
                     const CachePlace &place, Value space);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_CACHEBYTES_H
