/// Copies tokenizer tables and chat template into the runtime's vocabulary.
#ifndef SINTER_FRONTENDS_GGUF_VOCABULARY_H
#define SINTER_FRONTENDS_GGUF_VOCABULARY_H

#include "frontends/gguf/GgufModel.h"
#include "runtime/Vocabulary.h"

#include "llvm/Support/Error.h"

#include <cstdint>

namespace sinter {

/// The vocabulary of `model`, whose embedding has `rows` rows: as many as
/// there are tokens. A model without a tokenizer gives `no_vocab`.
/// Tokens that end a text by their spelling are left to Tokenizer::create.
llvm::Expected<Vocabulary> readVocabulary(const GgufModel &model,
                                          uint64_t rows);

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_VOCABULARY_H
