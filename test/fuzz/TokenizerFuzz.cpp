// Feeds arbitrary bytes to the vocabulary parser, and arbitrary text to a
// tokenizer made of an arbitrary vocabulary or of a sound one.
#include "runtime/TextStream.h"
#include "runtime/Tokenizer.h"
#include "test/unit/SmallVocabulary.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

using namespace sinter;

namespace {

/// Encodes and decodes `text`; `isExact`: the vocabulary is byte-level and
/// whole, so the text must come back.
void roundTrip(const Tokenizer &tokenizer, std::string_view text,
               bool isExact) {
  for (bool special : {false, true}) {
    auto ids = tokenizer.encode(text, special, special);
    if (!ids)
      continue;
    TextStream stream({"stop", "\x80"});
    for (int32_t id : *ids) {
      if (id < 0 || static_cast<size_t>(id) >= tokenizer.size())
        std::abort();
      stream.feed(tokenizer.piece(id, special));
    }
    stream.finish();
    std::string decoded = tokenizer.decode(*ids);
    if (isExact && !special && decoded != text)
      std::abort();
  }
}

constexpr const char *kPre[] = {"gpt-2",       "llama-bpe",    "qwen2",
                                "qwen35",      "deepseek-llm", "deepseek-coder",
                                "deepseek-v3", "starcoder",    "falcon",
                                "tekken",      "gpt-4o",       "default"};

std::vector<Tokenizer> makeSound() {
  std::vector<Vocabulary> vocabularies;
  for (const char *pre : kPre)
    vocabularies.push_back(
        byteLevelVocabulary({{"a", "a"}, {" ", "a"}, {"aa", "aa"}}, pre));
  vocabularies.push_back(
      sentencePieceVocabulary({"▁", "a", "▁a", "aa", "▁aa"}));
  Vocabulary characters = byteLevelVocabulary({{"a", "a"}, {"aa", "aa"}});
  characters.model = "gemma4";
  vocabularies.push_back(std::move(characters));
  vocabularies.push_back(unigramVocabulary(
      {{"▁", -2}, {"a", -1}, {"▁a", -3}, {"aa", -1.5F}, {"é", -4}}));
  vocabularies.back().addSpacePrefix = true;
  vocabularies.push_back(vocabularies.back());
  vocabularies.back().removeExtraWhitespaces = true;
  vocabularies.back().charactersMap = smallCharactersMap();
  vocabularies.push_back(wordPieceVocabulary({"▁a", "a", "aa", "▁!"}));
  std::vector<Tokenizer> tokenizers;
  for (Vocabulary &vocabulary : vocabularies) {
    Result<Tokenizer> tokenizer = Tokenizer::create(std::move(vocabulary));
    if (!tokenizer)
      std::abort();
    tokenizers.push_back(std::move(*tokenizer));
  }
  return tokenizers;
}

void fuzzSound(uint8_t kind, std::string_view text) {
  static const std::vector<Tokenizer> sound = makeSound();
  size_t which = kind % sound.size();
  roundTrip(sound[which], text, which < std::size(kPre));
}

} // namespace

/// Byte 0 chooses a sound vocabulary, or a parsed one; then bytes 1 and 2 say
/// how much of the rest is the text.
extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  if (size < 3)
    return 0;
  std::string_view rest(reinterpret_cast<const char *>(data) + 3, size - 3);
  if (data[0] & 1) {
    fuzzSound(data[0] >> 1, rest);
    return 0;
  }
  size_t bytes = std::min<size_t>(data[1] | data[2] << 8, rest.size());
  auto vocabulary = parse(std::as_bytes(std::span(rest.substr(bytes))));
  if (!vocabulary)
    return 0;
  std::string again = serialize(*vocabulary);
  if (again != rest.substr(bytes))
    std::abort(); // one vocabulary, one form
  if (Result<Tokenizer> tokenizer = Tokenizer::create(std::move(*vocabulary)))
    roundTrip(*tokenizer, rest.substr(0, bytes), false);
  return 0;
}
