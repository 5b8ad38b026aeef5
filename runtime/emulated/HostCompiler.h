/// Makes a shared object of C++ with the compiler of this machine: how kernels
/// for a GPU run where there is none.
#ifndef SINTER_RUNTIME_EMULATED_HOSTCOMPILER_H
#define SINTER_RUNTIME_EMULATED_HOSTCOMPILER_H

#include "runtime/Status.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// The bytes of a shared object with everything that `source` exports. The
/// same text is compiled once: results are kept in ~/.cache/sinter/emulated
/// (below XDG_CACHE_HOME, if that is set). The compiler is what SINTER_CXX
/// names, or the first of c++, g++ and clang++ that is there. Errors: NotFound
/// without a compiler, Unsupported with what it said if it fails.
Result<std::vector<std::byte>> compileForHost(std::string_view source);

} // namespace sinter

#endif // SINTER_RUNTIME_EMULATED_HOSTCOMPILER_H
