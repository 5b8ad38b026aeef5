// Finds special tokens by narrowing a sorted list byte by byte, so that
// thousands of them cost no more than a few.
#include "runtime/tokenizer/SpecialTokens.h"

#include <algorithm>
#include <fmt/format.h>
#include <initializer_list>

namespace sinter {
namespace {

/// Spellings of the token that ends a turn, most specific first.
constexpr std::string_view kEndOfTurn[] = {"<|eot_id|>",
                                           "<|im_end|>",
                                           "<end_of_turn>",
                                           "<|end|>",
                                           "<end_of_utterance>",
                                           "<EOT>",
                                           "_<EOT>",
                                           "[EOT]",
                                           "<｜end▁of▁sentence｜>",
                                           "<|endoftext|>",
                                           "<|end_of_text|>"};

/// Spellings of further tokens after which a model has nothing more to say.
constexpr std::string_view kEndOfText[] = {"<|eom_id|>",   "<|return|>",
                                           "<|call|>",     "<|calls|>",
                                           "<|flush|>",    "</s>",
                                           "[EOS]",        "<eos>",
                                           "<turn|>",      "<|tool_response>",
                                           "[e~[",         "<|fim_pad|>",
                                           "<fim-pad>",    "<fim_pad>",
                                           "<PAD>",        "[PAD]",
                                           "<|fim_repo|>", "<|repo_name|>",
                                           "<fim-repo>",   "<REPO>",
                                           "<reponame>",   "<|file_sep|>"};

/// Markers of the harmony format, which clients need to see.
constexpr std::string_view kVisible[] = {"<|channel|>", "<|message|>",
                                         "<|start|>", "<|constrain|>"};

void setType(Vocabulary &vocabulary, int32_t id, TokenType type) {
  if (vocabulary.tokenTypes.empty())
    vocabulary.tokenTypes.assign(vocabulary.tokens.size(), TokenType::Normal);
  vocabulary.tokenTypes[id] = type;
}

bool hasAll(const TokenIndex &index,
            std::initializer_list<std::string_view> texts) {
  return std::all_of(texts.begin(), texts.end(), [&](std::string_view text) {
    return index.find(text) >= 0;
  });
}

/// Removes a token that only looks like the end of a text in this vocabulary.
void keepOpen(Vocabulary &vocabulary, int32_t id, TokenType type) {
  if (id < 0)
    return;
  std::erase(vocabulary.eog, id);
  setType(vocabulary, id, type);
}

} // namespace

void completeSpecialTokens(Vocabulary &vocabulary, const TokenIndex &index) {
  auto end = [&](int32_t id) {
    setType(vocabulary, id, TokenType::Control);
    vocabulary.eog.push_back(id);
  };
  for (std::string_view text : kEndOfTurn)
    if (int32_t id = index.find(text); id >= 0) {
      end(id);
      if (vocabulary.eot < 0)
        vocabulary.eot = id;
    }
  for (std::string_view text : kEndOfText)
    if (int32_t id = index.find(text); id >= 0)
      end(id);
  for (int32_t id : {vocabulary.eos, vocabulary.eot})
    if (id >= 0)
      vocabulary.eog.push_back(id);
  for (std::string_view text : kVisible)
    if (int32_t id = index.find(text); id >= 0)
      setType(vocabulary, id, TokenType::UserDefined);
  // These formats end messages with <|end|> and go on with the next one.
  if (hasAll(index, {"<|return|>", "<|call|>"}) ||
      hasAll(index, {"<|flush|>", "<|calls|>"}) ||
      hasAll(index, {"<|flush|>", "<|call|>"}))
    keepOpen(vocabulary, index.find("<|end|>"), TokenType::UserDefined);
  // These vocabularies hold </s> as a tag of HTML.
  if (hasAll(index, {"<|tool_response>"}) || hasAll(index, {"<|plamo:eos|>"}))
    keepOpen(vocabulary, index.find("</s>"), TokenType::Normal);
  std::sort(vocabulary.eog.begin(), vocabulary.eog.end());
  vocabulary.eog.erase(
      std::unique(vocabulary.eog.begin(), vocabulary.eog.end()),
      vocabulary.eog.end());
}

Result<SpecialTokens> SpecialTokens::create(const Vocabulary &vocabulary,
                                            const TokenIndex &index) {
  SpecialTokens special;
  for (size_t i = 0; i < vocabulary.tokenTypes.size(); ++i) {
    auto id = static_cast<int32_t>(i);
    TokenType type = vocabulary.tokenTypes[i];
    std::string_view text = vocabulary.tokens[i];
    if (!isHidden(type) && type != TokenType::UserDefined)
      continue;
    if (text.size() > kMaxSpecialBytes)
      return Status(Code::Unsupported,
                    fmt::format("special token {} has {} bytes, at most {} are "
                                "supported",
                                id, text.size(), kMaxSpecialBytes));
    if (index.find(text) == id) // the first of equal ones, and not empty
      special.entries.push_back({text, id, isHidden(type)});
  }
  std::sort(special.entries.begin(), special.entries.end(),
            [](const Entry &a, const Entry &b) { return a.text < b.text; });
  for (const Entry &entry : special.entries)
    special.firstBytes[static_cast<unsigned char>(entry.text[0])] = true;
  return special;
}

SpecialTokens::Match SpecialTokens::findNext(std::string_view text, size_t from,
                                             bool parseSpecial) const {
  if (!entries.empty())
    for (size_t at = from; at < text.size(); ++at)
      if (firstBytes[static_cast<unsigned char>(text[at])])
        if (Match match = matchAt(text, at, parseSpecial); match.id >= 0)
          return match;
  return {text.size(), 0, -1};
}

SpecialTokens::Match SpecialTokens::matchAt(std::string_view text, size_t at,
                                            bool parseSpecial) const {
  Match best = {at, 0, -1};
  auto first = entries.begin(), last = entries.end();
  // [first, last) hold those that begin with the `depth` bytes at `at`.
  for (size_t depth = 0; first != last; ++depth) {
    if (first->text.size() == depth) { // the shortest comes first
      if (parseSpecial || !first->hidden)
        best = {at, depth, first->id};
      ++first;
    }
    if (at + depth == text.size())
      break;
    auto byte = [depth](const Entry &entry) {
      return static_cast<unsigned char>(entry.text[depth]);
    };
    auto wanted = static_cast<unsigned char>(text[at + depth]);
    first = std::partition_point(
        first, last, [&](const Entry &e) { return byte(e) < wanted; });
    last = std::partition_point(
        first, last, [&](const Entry &e) { return byte(e) <= wanted; });
  }
  return best;
}

} // namespace sinter
