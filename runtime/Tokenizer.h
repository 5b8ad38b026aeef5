/// Text to token ids and back, for the tokenizer models of GGUF files.
#ifndef SINTER_RUNTIME_TOKENIZER_H
#define SINTER_RUNTIME_TOKENIZER_H

#include "runtime/Status.h"
#include "runtime/Vocabulary.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Immutable once created; may be used by several threads at once.
class Tokenizer {
public:
  /// Fails with Unsupported for a model or pre-tokenizer that is not known
  /// (no_vocab included), with CorruptData for a vocabulary that contradicts
  /// itself.
  static Result<Tokenizer> create(Vocabulary vocabulary);

  Tokenizer(Tokenizer &&) noexcept;
  Tokenizer &operator=(Tokenizer &&) noexcept;
  ~Tokenizer();

  /// The ids of `text`. With `addSpecial` BOS, EOS and the like are added as
  /// the model wants; with `parseSpecial` control tokens are recognised in the
  /// text, which only a template's text should allow. User-defined tokens
  /// always are. Fails with InvalidArgument where a byte has no token.
  Result<std::vector<int32_t>> encode(std::string_view text, bool addSpecial,
                                      bool parseSpecial) const;

  /// The text of `ids` without control tokens, and without the space that
  /// encode() puts in front of it. Byte for byte what encode() was given, if
  /// the model is byte-level.
  std::string decode(std::span<const int32_t> ids) const;

  /// What one token adds to a text, perhaps part of a UTF-8 character. Control
  /// and unknown tokens are empty unless `renderSpecial`; so are ids beyond
  /// the vocabulary, which padded models can produce.
  std::string piece(int32_t id, bool renderSpecial) const;

  /// Whether the model has nothing more to say after this token.
  bool isEndOfGeneration(int32_t id) const;

  /// The id of the token spelled like this in the vocabulary, -1 if none is.
  int32_t find(std::string_view token) const;

  /// With the special tokens that create() recognised.
  const Vocabulary &vocabulary() const;
  size_t size() const { return vocabulary().tokens.size(); }

private:
  struct State;
  explicit Tokenizer(std::unique_ptr<State> state);

  std::unique_ptr<State> state;
};

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_H
