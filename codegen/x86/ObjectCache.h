/// Keeps what LLVM made of a kernel, where the user names a folder for it
/// (SINTER_OBJECT_CACHE): whoever compiles one model in many ways, as the
/// ablation tests do, waits for each kernel once.
#ifndef SINTER_CODEGEN_X86_OBJECTCACHE_H
#define SINTER_CODEGEN_X86_OBJECTCACHE_H

#include "codegen/x86/Isa.h"

#include <optional>
#include <string>

namespace sinter::x86 {

/// The object kept for this bitcode and processor; nothing if there is none,
/// if its file is not as it was written, or without a folder.
std::optional<std::string> readObject(const std::string &bitcode,
                                      const Isa &isa);

/// Keeps it. A folder that cannot be written is no error: the next compilation
/// only takes longer.
void keepObject(const std::string &bitcode, const Isa &isa,
                const std::string &object);

} // namespace sinter::x86

#endif // SINTER_CODEGEN_X86_OBJECTCACHE_H
