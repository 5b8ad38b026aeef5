/// Makes the errors of the compiler: one line of text each.
#ifndef SINTER_COMPILER_FAILURE_H
#define SINTER_COMPILER_FAILURE_H

#include "llvm/Support/Error.h"

namespace sinter {

inline llvm::Error failureOf(const llvm::Twine &message) {
  return llvm::createStringError(llvm::inconvertibleErrorCode(), message);
}

} // namespace sinter

#endif // SINTER_COMPILER_FAILURE_H
