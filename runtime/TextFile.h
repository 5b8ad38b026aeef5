/// Reads the text files that tools take: prompts, token ids, texts to score.
#ifndef SINTER_RUNTIME_TEXTFILE_H
#define SINTER_RUNTIME_TEXTFILE_H

#include "runtime/Status.h"

#include <string>

namespace sinter {

/// All bytes of a file, or of standard input for "-". Errors: NotFound,
/// InvalidArgument.
Result<std::string> readTextFile(const std::string &path);

} // namespace sinter

#endif // SINTER_RUNTIME_TEXTFILE_H
