/// Writes the text files of the compiler whole or not at all.
#ifndef SINTER_COMPILER_TEXTOUTPUT_H
#define SINTER_COMPILER_TEXTOUTPUT_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace sinter {

/// Puts `text` in the place of the file `path` once it is complete; "-" is
/// stdout, and a device or pipe is written to as it is. Errors name the file.
llvm::Error writeTextFile(const std::string &path, llvm::StringRef text);

} // namespace sinter

#endif // SINTER_COMPILER_TEXTOUTPUT_H
