/// Reads `tokenizer.ggml.*` as the file says it; what files leave to their
/// readers, such as tokens known by spelling, the runtime's tokenizer adds.
#include "frontends/gguf/Vocabulary.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cmath>

using namespace sinter;
using llvm::Error;
using llvm::StringRef;

namespace {

class VocabularySource {
public:
  explicit VocabularySource(const GgufModel &model) : model(model) {}

  llvm::Expected<Vocabulary> read(uint64_t rows);

private:
  const GgufValue *find(StringRef key) const {
    return model.find(("tokenizer.ggml." + key).str());
  }
  template <typename... T> Error fail(const char *format, T &&...values) const;
  Error wrong(StringRef key, const GgufValue &value, StringRef expected) const {
    return fail("key 'tokenizer.ggml.{0}' is {1}, expected {2}", key,
                value.describe(), expected);
  }
  Error checkCount(StringRef key, size_t found, size_t expected) const {
    if (found == expected)
      return Error::success();
    return fail("key 'tokenizer.ggml.{0}' has {1} elements for {2} tokens", key,
                found, expected);
  }

  Error takeText(StringRef key, std::string &text) const;
  Error takeFlag(StringRef key, bool &flag) const;
  Error takeId(StringRef key, int32_t &id) const;
  Error takeStrings(StringRef key, StringTable &strings) const;
  Error takeScores();
  Error takeCharactersMap();
  Error takeTypes();
  Error takeSpecials();
  Error takeFlags();
  Error takeTables();

  const GgufModel &model;
  Vocabulary vocabulary;
};

} // namespace

template <typename... T>
Error VocabularySource::fail(const char *format, T &&...values) const {
  std::string text = llvm::formatv(format, std::forward<T>(values)...);
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "file " + quotedName(model.first().name()) +
                                     ": " + text);
}

Error VocabularySource::takeText(StringRef key, std::string &text) const {
  const GgufValue *value = find(key);
  if (!value)
    return Error::success();
  auto found = value->string();
  if (!found)
    return wrong(key, *value, "a string");
  text = *found;
  return Error::success();
}

Error VocabularySource::takeFlag(StringRef key, bool &flag) const {
  const GgufValue *value = find(key);
  if (!value)
    return Error::success();
  auto found = value->flag();
  if (!found)
    return wrong(key, *value, "a bool");
  flag = *found;
  return Error::success();
}

Error VocabularySource::takeId(StringRef key, int32_t &id) const {
  const GgufValue *value = find(key);
  if (!value)
    return Error::success();
  auto found = value->integer();
  if (!found)
    return wrong(key, *value, "a token id");
  int64_t tokens = vocabulary.tokens.size();
  // Writers store "none" as -1, also in an unsigned field.
  bool none = *found == -1 || *found == UINT32_MAX;
  if (!none && (*found < 0 || *found >= tokens))
    return fail("key 'tokenizer.ggml.{0}' is token {1}, expected one below {2}",
                key, *found, tokens);
  id = none ? -1 : static_cast<int32_t>(*found);
  return Error::success();
}

Error VocabularySource::takeStrings(StringRef key, StringTable &strings) const {
  const GgufValue *value = find(key);
  if (!value)
    return Error::success();
  auto found = value->strings();
  if (!found)
    return wrong(key, *value, "an array of strings");
  // Ends of strings are kept in 32 bits.
  if (value->bytes.size() > UINT32_MAX)
    return fail("key 'tokenizer.ggml.{0}' has {1} bytes, at most {2} are "
                "allowed",
                key, value->bytes.size(), UINT32_MAX);
  for (std::string_view text : *found)
    strings.push_back(text);
  return Error::success();
}

Error VocabularySource::takeScores() {
  const GgufValue *value = find("scores");
  if (!value)
    return Error::success();
  auto found = value->numbers();
  if (!found)
    return wrong("scores", *value, "an array of numbers");
  if (Error error =
          checkCount("scores", found->size(), vocabulary.tokens.size()))
    return error;
  for (auto [index, score] : llvm::enumerate(*found))
    if (std::isnan(score))
      return fail("key 'tokenizer.ggml.scores' has no number for token {0}",
                  index);
  vocabulary.scores.assign(found->begin(), found->end());
  return Error::success();
}

Error VocabularySource::takeCharactersMap() {
  const GgufValue *value = find("precompiled_charsmap");
  if (!value)
    return Error::success();
  bool bytes =
      value->type == GgufType::Array &&
      (value->element == GgufType::U8 || value->element == GgufType::I8);
  if (!bytes)
    return wrong("precompiled_charsmap", *value, "an array of bytes");
  static_assert(kMaxGgufArray <= kMaxVocabularyString,
                "an array that a file may hold fits the artifact");
  vocabulary.charactersMap.assign(
      reinterpret_cast<const char *>(value->bytes.data()), value->bytes.size());
  return Error::success();
}

Error VocabularySource::takeTypes() {
  const GgufValue *value = find("token_type");
  if (!value)
    return Error::success();
  auto found = value->integers();
  if (!found)
    return wrong("token_type", *value, "an array of integers");
  if (Error error =
          checkCount("token_type", found->size(), vocabulary.tokens.size()))
    return error;
  for (auto [index, type] : llvm::enumerate(*found)) {
    if (type < 0 || type > static_cast<int64_t>(TokenType::Byte))
      return fail("key 'tokenizer.ggml.token_type' is {0} for token {1}, "
                  "expected 0 to 6",
                  type, index);
    vocabulary.tokenTypes.push_back(static_cast<TokenType>(type));
  }
  return Error::success();
}

Error VocabularySource::takeSpecials() {
  struct Special {
    const char *key;
    int32_t Vocabulary::*id;
  };
  // The misspelt name is the one that files have.
  constexpr Special kSpecials[] = {{"bos_token_id", &Vocabulary::bos},
                                   {"eos_token_id", &Vocabulary::eos},
                                   {"eot_token_id", &Vocabulary::eot},
                                   {"unknown_token_id", &Vocabulary::unk},
                                   {"seperator_token_id", &Vocabulary::sep},
                                   {"padding_token_id", &Vocabulary::pad},
                                   {"mask_token_id", &Vocabulary::mask},
                                   {"cls_token_id", &Vocabulary::cls}};
  for (const Special &special : kSpecials) {
    int32_t &id = vocabulary.*special.id;
    // A default for vocabularies of the usual size may not fit this one.
    if (id >= static_cast<int64_t>(vocabulary.tokens.size()))
      id = -1;
    if (Error error = takeId(special.key, id))
      return error;
  }
  return Error::success();
}

Error VocabularySource::takeFlags() {
  if (Error error = takeFlag("add_bos_token", vocabulary.addBos))
    return error;
  if (Error error = takeFlag("add_eos_token", vocabulary.addEos))
    return error;
  if (Error error = takeFlag("add_space_prefix", vocabulary.addSpacePrefix))
    return error;
  if (Error error = takeFlag("remove_extra_whitespaces",
                             vocabulary.removeExtraWhitespaces))
    return error;
  if (Error error = takeFlag("normalizer.lowercase", vocabulary.lowercase))
    return error;
  return takeFlag("normalizer.strip_accents", vocabulary.stripAccents);
}

Error VocabularySource::takeTables() {
  if (!find("tokens"))
    return fail("key 'tokenizer.ggml.tokens' is missing for tokenizer model "
                "'{0}'",
                vocabulary.model);
  if (Error error = takeStrings("tokens", vocabulary.tokens))
    return error;
  if (Error error = takeStrings("merges", vocabulary.merges))
    return error;
  if (Error error = takeScores())
    return error;
  if (Error error = takeCharactersMap())
    return error;
  return takeTypes();
}

llvm::Expected<Vocabulary> VocabularySource::read(uint64_t rows) {
  std::string name = "no_vocab", pre;
  if (Error error = takeText("model", name))
    return error;
  if (Error error = takeText("pre", pre))
    return error;
  vocabulary = Vocabulary::withDefaults(name, pre);
  if (const GgufValue *value = model.find("tokenizer.chat_template"))
    if (auto text = value->string())
      vocabulary.chatTemplate = *text;
  if (name == "no_vocab")
    return vocabulary;
  constexpr StringRef kKnown[] = {"gpt2", "llama", "gemma4", "t5", "bert"};
  if (!llvm::is_contained(kKnown, name))
    return fail("key 'tokenizer.ggml.model' is {0}, expected gpt2, llama, "
                "gemma4, t5, bert or no_vocab",
                quotedName(name));
  if (Error error = takeTables())
    return error;
  if (vocabulary.tokens.size() != rows)
    return fail("key 'tokenizer.ggml.tokens' has {0} tokens, but tensor "
                "'token_embd.weight' has {1} rows",
                vocabulary.tokens.size(), rows);
  if (Error error = takeSpecials())
    return error;
  if (Error error = takeFlags())
    return error;
  // Early files say that Gemma 4 does without, which it does not (llama.cpp's
  // pull request 21500).
  vocabulary.addBos |= name == "gemma4";
  return vocabulary;
}

llvm::Expected<Vocabulary> sinter::readVocabulary(const GgufModel &model,
                                                  uint64_t rows) {
  return VocabularySource(model).read(rows);
}
