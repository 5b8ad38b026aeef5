// Cuts text at special tokens, gives what lies between to the encoder of the
// model, and adds the tokens that the model wants around it.
#include "runtime/Tokenizer.h"

#include "runtime/tokenizer/SpecialTokens.h"
#include "runtime/tokenizer/TextEncoder.h"
#include "runtime/tokenizer/TokenIndex.h"

#include <algorithm>
#include <fmt/format.h>

namespace sinter {

/// Lives on the heap because its members refer to one another.
struct Tokenizer::State {
  Vocabulary vocabulary;
  TokenIndex index;
  SpecialTokens special;
  std::unique_ptr<TextEncoder> encoder;
};

namespace {

Result<std::unique_ptr<TextEncoder>> makeEncoder(const Vocabulary &vocabulary,
                                                 const TokenIndex &index) {
  if (vocabulary.model == "gpt2")
    return makeByteLevelBpe(vocabulary, index);
  if (vocabulary.model == "llama")
    return makeSentencePieceBpe(vocabulary, index);
  if (vocabulary.model == "gemma4")
    return makeCharacterBpe(vocabulary, index);
  if (vocabulary.model == "t5")
    return makeUnigram(vocabulary, index);
  if (vocabulary.model == "bert")
    return makeWordPiece(vocabulary, index);
  if (vocabulary.model == "no_vocab")
    return Status(Code::Unsupported, "the model has no vocabulary "
                                     "(tokenizer.ggml.model is no_vocab)");
  return Status(Code::Unsupported,
                fmt::format("unsupported tokenizer '{}' "
                            "(tokenizer.ggml.model), expected gpt2, llama, "
                            "gemma4, t5 or bert",
                            vocabulary.model));
}

Status missing(std::string_view name) {
  return Status(Code::CorruptData,
                fmt::format("the vocabulary asks for a {0} token in front of "
                            "or after a text and names none",
                            name));
}

/// What encode() relies on; ids of a parsed vocabulary are in range already,
/// but a vocabulary may also have been built by hand.
Status checkVocabulary(const Vocabulary &v) {
  auto fits = [&](int32_t id) {
    return id < 0 || static_cast<size_t>(id) < v.tokens.size();
  };
  for (int32_t id : {v.bos, v.eos, v.eot, v.unk, v.sep, v.pad, v.mask, v.cls})
    if (!fits(id))
      return Status(Code::CorruptData,
                    fmt::format("special token {} of a vocabulary of {}", id,
                                v.tokens.size()));
  if (!v.scores.empty() && v.scores.size() != v.tokens.size())
    return Status(Code::CorruptData,
                  fmt::format("{} scores for {} tokens", v.scores.size(),
                              v.tokens.size()));
  if (!v.tokenTypes.empty() && v.tokenTypes.size() != v.tokens.size())
    return Status(Code::CorruptData,
                  fmt::format("{} token types for {} tokens",
                              v.tokenTypes.size(), v.tokens.size()));
  bool bert = v.model == "bert";
  if (bert ? v.bos < 0 && v.cls < 0 : v.addBos && v.bos < 0)
    return missing(bert ? "CLS" : "BOS");
  if (bert ? v.sep < 0 : v.addEos && v.eos < 0)
    return missing(bert ? "SEP" : "EOS");
  return Status();
}

} // namespace

Tokenizer::Tokenizer(std::unique_ptr<State> state) : state(std::move(state)) {}
Tokenizer::Tokenizer(Tokenizer &&) noexcept = default;
Tokenizer &Tokenizer::operator=(Tokenizer &&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::create(Vocabulary vocabulary) {
  auto state = std::make_unique<State>();
  state->vocabulary = std::move(vocabulary);
  Vocabulary &v = state->vocabulary;
  Result<TokenIndex> index = TokenIndex::create(v.tokens);
  if (!index)
    return index.status();
  state->index = std::move(*index);
  SINTER_TRY(checkVocabulary(v));
  Result<std::unique_ptr<TextEncoder>> encoder = makeEncoder(v, state->index);
  if (!encoder)
    return encoder.status();
  state->encoder = std::move(*encoder);
  completeSpecialTokens(v, state->index);
  Result<SpecialTokens> special = SpecialTokens::create(v, state->index);
  if (!special)
    return special.status();
  state->special = std::move(*special);
  return Tokenizer(std::move(state));
}

Result<std::vector<int32_t>> Tokenizer::encode(std::string_view text,
                                               bool addSpecial,
                                               bool parseSpecial) const {
  const Vocabulary &v = state->vocabulary;
  bool bert = v.model == "bert";
  std::vector<int32_t> ids;
  if (addSpecial && (bert || v.addBos))
    ids.push_back(v.bos >= 0 ? v.bos : v.cls);
  bool atStart = true;
  for (size_t at = 0; at < text.size();) {
    SpecialTokens::Match match =
        state->special.findNext(text, at, parseSpecial);
    if (match.begin > at) {
      SINTER_TRY(state->encoder->encode(text.substr(at, match.begin - at),
                                        atStart, ids));
      atStart = false;
    }
    if (match.id >= 0) {
      ids.push_back(match.id);
      atStart = true;
    }
    at = match.begin + match.bytes;
  }
  if (addSpecial && (bert || v.addEos))
    ids.push_back(bert ? v.sep : v.eos);
  return ids;
}

std::string Tokenizer::decode(std::span<const int32_t> ids) const {
  std::string text;
  for (int32_t id : ids)
    text += piece(id, false);
  const Vocabulary &v = state->vocabulary;
  bool pieces = v.model == "llama" || v.model == "t5";
  bool prefixed = v.model == "bert" || (pieces && v.addSpacePrefix);
  if (prefixed && text.starts_with(' '))
    text.erase(0, 1);
  return text;
}

std::string Tokenizer::piece(int32_t id, bool renderSpecial) const {
  const Vocabulary &v = state->vocabulary;
  std::string text;
  if (id < 0 || static_cast<size_t>(id) >= v.tokens.size())
    return text;
  TokenType type = v.type(id);
  std::string_view token = v.tokens[id];
  if (isHidden(type))
    return renderSpecial ? std::string(token) : text;
  if (type == TokenType::UserDefined)
    return std::string(token);
  int byte = type == TokenType::Byte ? byteOfToken(token) : -1;
  if (byte >= 0)
    text += static_cast<char>(byte);
  else
    state->encoder->appendText(token, text);
  return text;
}

bool Tokenizer::isEndOfGeneration(int32_t id) const {
  const std::vector<int32_t> &eog = state->vocabulary.eog;
  return std::binary_search(eog.begin(), eog.end(), id);
}

int32_t Tokenizer::find(std::string_view token) const {
  return state->index.find(token);
}

const Vocabulary &Tokenizer::vocabulary() const { return state->vocabulary; }

} // namespace sinter
