/// Makes the tokenizer of a compiled model.
#ifndef SINTER_RUNTIME_ARTIFACTTOKENIZER_H
#define SINTER_RUNTIME_ARTIFACTTOKENIZER_H

#include "runtime/Artifact.h"
#include "runtime/Status.h"
#include "runtime/Tokenizer.h"

namespace sinter {

/// Errors: NotFound for a model without a vocabulary, CorruptData, Unsupported;
/// each names the file.
Result<Tokenizer> openTokenizer(const Artifact &artifact);

} // namespace sinter

#endif // SINTER_RUNTIME_ARTIFACTTOKENIZER_H
