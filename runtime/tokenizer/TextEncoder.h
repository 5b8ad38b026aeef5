/// What every tokenizer model does with text between special tokens.
#ifndef SINTER_RUNTIME_TOKENIZER_TEXTENCODER_H
#define SINTER_RUNTIME_TOKENIZER_TEXTENCODER_H

#include "runtime/Status.h"
#include "runtime/Vocabulary.h"
#include "runtime/tokenizer/TokenIndex.h"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

class TextEncoder {
public:
  virtual ~TextEncoder() = default;

  /// Appends the ids of `text`. `atStart`: no text precedes it, or a special
  /// token does. Fails with InvalidArgument where the vocabulary has no token
  /// for a part of it, not even an unknown one.
  virtual Status encode(std::string_view text, bool atStart,
                        std::vector<int32_t> &ids) const = 0;

  /// Appends what an ordinary token with this text stands for.
  virtual void appendText(std::string_view token, std::string &out) const = 0;
};

/// The encoders; vocabulary and index must outlive them. Errors: see the
/// files that implement them.
Result<std::unique_ptr<TextEncoder>>
makeByteLevelBpe(const Vocabulary &vocabulary, const TokenIndex &index);
Result<std::unique_ptr<TextEncoder>>
makeSentencePieceBpe(const Vocabulary &vocabulary, const TokenIndex &index);
Result<std::unique_ptr<TextEncoder>>
makeCharacterBpe(const Vocabulary &vocabulary, const TokenIndex &index);
Result<std::unique_ptr<TextEncoder>> makeUnigram(const Vocabulary &vocabulary,
                                                 const TokenIndex &index);
Result<std::unique_ptr<TextEncoder>> makeWordPiece(const Vocabulary &vocabulary,
                                                   const TokenIndex &index);

/// The byte that a token of the form <0x0A> stands for, -1 for other texts.
int byteOfToken(std::string_view token);

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_TEXTENCODER_H
