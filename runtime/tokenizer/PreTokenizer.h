/// Splits text into the words that byte-level BPE merges within, as
/// `tokenizer.ggml.pre` names the way of splitting.
#ifndef SINTER_RUNTIME_TOKENIZER_PRETOKENIZER_H
#define SINTER_RUNTIME_TOKENIZER_PRETOKENIZER_H

#include "runtime/Status.h"
#include "runtime/tokenizer/Expressions.h"

#include <span>
#include <string_view>
#include <vector>

namespace sinter {

/// A way of splitting: each expression in turn cuts every piece left by the
/// one before into its matches and what lies between them.
struct PreTokenizer {
  std::span<const Expression> stages;
  bool ignoreMerges; ///< a word that is a token is taken whole
};

/// The pre-tokenizer of that name; an empty one means "default". Fails with
/// Unsupported, naming those that exist.
Result<PreTokenizer> findPreTokenizer(std::string_view name);

/// The ends of the words of `text`, in code points, ascending.
std::vector<size_t> splitWords(const PreTokenizer &preTokenizer,
                               const CodePoints &text);

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_PRETOKENIZER_H
