/// The vocabulary of a model as compiler and runtime exchange it: the fields
/// of GGUF's `tokenizer.ggml.*`, and their bytes in a compiled model.
#ifndef SINTER_RUNTIME_VOCABULARY_H
#define SINTER_RUNTIME_VOCABULARY_H

#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Strings in one buffer: a vocabulary holds some 300,000, and a heap block
/// for each would cost more than all the rest of a program's start.
class StringTable {
public:
  size_t size() const { return ends.size(); }
  bool empty() const { return ends.empty(); }
  std::string_view operator[](size_t index) const {
    size_t begin = index == 0 ? 0 : ends[index - 1];
    return std::string_view(bytes).substr(begin, ends[index] - begin);
  }
  void push_back(std::string_view text) {
    bytes += text;
    ends.push_back(static_cast<uint32_t>(bytes.size()));
  }
  bool operator==(const StringTable &) const = default;

private:
  friend class VocabularyReader;
  std::string bytes;
  std::vector<uint32_t> ends; ///< where each string ends in `bytes`
};

/// `tokenizer.ggml.token_type`.
enum class TokenType : uint8_t {
  Undefined = 0,
  Normal = 1,
  Unknown = 2,
  Control = 3,
  UserDefined = 4,
  Unused = 5,
  Byte = 6,
};

/// A merge as token ids, -1 where it names no tokens.
struct MergeIds {
  int32_t left = -1;
  int32_t right = -1;
  int32_t merged = -1;
  bool operator==(const MergeIds &) const = default;
};

struct Vocabulary {
  std::string model = "no_vocab"; ///< gpt2, llama, gemma4, t5, bert, no_vocab
  std::string pre;                ///< pre-tokenizer of gpt2 models, see there
  StringTable tokens;
  std::vector<float> scores;         ///< one per token, or empty
  std::vector<TokenType> tokenTypes; ///< one per token, or empty: all Normal
  /// "left right", best first; gpt2 and gemma4 only. What a frontend sets.
  StringTable merges;
  /// The same as ids. What parse() gives instead: looking up hundreds of
  /// thousands of texts is done once, by serialize(), not at every start.
  std::vector<MergeIds> mergeIds;
  int32_t bos = -1, eos = -1, eot = -1, unk = -1, sep = -1, pad = -1, mask = -1,
          cls = -1;         ///< token ids, -1 where there is none
  std::vector<int32_t> eog; ///< ids that end a text, besides eos and eot
  bool addBos = false;
  bool addEos = false;
  bool addSpacePrefix = false;         ///< llama and t5 only
  bool removeExtraWhitespaces = false; ///< llama and t5 only
  bool lowercase = true;               ///< bert only
  bool stripAccents = true;            ///< bert only
  std::string chatTemplate;
  std::string charactersMap; ///< t5 only, see tokenizer/CharacterMap.h

  bool operator==(const Vocabulary &) const = default;

  TokenType type(size_t id) const {
    return tokenTypes.empty() ? TokenType::Normal : tokenTypes[id];
  }

  /// What GGUF readers assume where a file of this tokenizer model and
  /// pre-tokenizer leaves a key out. The frontend starts from here and
  /// overwrites what the file has.
  static Vocabulary withDefaults(std::string_view model, std::string_view pre);
};

/// Longest string and largest count that parse() accepts.
inline constexpr size_t kMaxVocabularyString = 1'000'000;
inline constexpr size_t kMaxVocabularyElements = 1'000'000;

/// The bytes of a vocabulary, the same for equal ones; docs/artifact.md says
/// how they lie. Merges that join no tokens are refused by Tokenizer::create,
/// which a compiler calls to know that a vocabulary is sound.
std::string serialize(const Vocabulary &vocabulary);

/// The vocabulary in `bytes`, which may come from a stranger: every length is
/// checked before use. Fails with CorruptData or Unsupported.
Result<Vocabulary> parse(std::span<const std::byte> bytes);

} // namespace sinter

#endif // SINTER_RUNTIME_VOCABULARY_H
