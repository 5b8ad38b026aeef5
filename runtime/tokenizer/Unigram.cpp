// SentencePiece's unigram model, called "t5" in GGUF: the text is normalised,
// spaces are written as U+2581, and of all ways to cut it into tokens the one
// with the highest sum of scores is taken (Kudo 2018, arXiv 1804.10959).
#include "runtime/tokenizer/Blank.h"
#include "runtime/tokenizer/CharacterMap.h"
#include "runtime/tokenizer/TextEncoder.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace sinter {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD

/// How far an unknown character is below the worst token (SentencePiece's
/// kUnkPenalty).
constexpr double kUnknownPenalty = 10.0;

/// Bounds the time of a search; SentencePiece makes no token of more than 16
/// characters unless told to.
constexpr size_t kMaxPieceBytes = 512;

size_t characterBytes(std::string_view text) {
  return std::max<size_t>(validSequence(text), 1);
}

/// The best way to cut the text up to some place.
struct Best {
  double score = -std::numeric_limits<double>::infinity();
  int32_t id = -1; ///< of the last token
  size_t begin = 0;
};

class Unigram final : public TextEncoder {
public:
  Unigram(const Vocabulary &vocabulary, const TokenIndex &index,
          CharacterMap map)
      : vocabulary(vocabulary), index(index), map(map) {}

  /// Finds the longest token and the worst score.
  Status survey() {
    double worst = 0;
    bool any = false;
    for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
      if (!isPiece(id))
        continue;
      size_t bytes = vocabulary.tokens[id].size();
      if (bytes > kMaxPieceBytes)
        return Status(Code::Unsupported,
                      fmt::format("token {} has {} bytes, at most {} are "
                                  "supported",
                                  id, bytes, kMaxPieceBytes));
      longest = std::max(longest, bytes);
      if (vocabulary.type(id) != TokenType::Normal)
        continue;
      worst = any ? std::min(worst, scoreOf(id)) : scoreOf(id);
      any = true;
    }
    unknownScore = worst - kUnknownPenalty;
    return Status();
  }

  Status encode(std::string_view text, bool,
                std::vector<int32_t> &ids) const override {
    std::string normal;
    SINTER_TRY(normalize(text, normal));
    std::vector<Best> best(normal.size() + 1);
    best[0].score = 0;
    std::string_view rest = normal;
    while (!rest.empty()) {
      size_t at = normal.size() - rest.size(), bytes = characterBytes(rest);
      if (!extend(rest, at, bytes, best))
        offer(best[at + bytes], {best[at].score + unknownScore, -1, at});
      rest.remove_prefix(bytes);
    }
    return follow(best, ids);
  }

  void appendText(std::string_view token, std::string &out) const override {
    appendSpaced(token, out);
  }

private:
  /// Tokens that text can become; user-defined ones are cut out of it before,
  /// but may also be parts of words.
  bool isPiece(size_t id) const {
    TokenType type = vocabulary.type(id);
    return type == TokenType::Normal || type == TokenType::UserDefined ||
           type == TokenType::Unused;
  }

  double scoreOf(size_t id) const {
    bool unscored = vocabulary.scores.empty() ||
                    vocabulary.type(id) == TokenType::UserDefined;
    return unscored ? 0.0 : vocabulary.scores[id];
  }

  static void offer(Best &best, const Best &other) {
    if (other.score > best.score)
      best = other;
  }

  /// Offers every token that `rest` begins with; whether one is just its first
  /// character, of `bytes`.
  bool extend(std::string_view rest, size_t at, size_t bytes,
              std::vector<Best> &best) const {
    bool single = false;
    size_t most = std::min(rest.size(), longest);
    for (size_t end = bytes; end <= most;
         end += end < rest.size() ? characterBytes(rest.substr(end)) : 1) {
      int32_t id = index.find(rest.substr(0, end));
      if (id < 0 || !isPiece(id))
        continue;
      single |= end == bytes;
      offer(best[at + end], {best[at].score + scoreOf(id), id, at});
    }
    return single;
  }

  /// Appends the tokens of the best way, unknown ones in a row as one.
  Status follow(const std::vector<Best> &best,
                std::vector<int32_t> &ids) const {
    size_t before = ids.size();
    bool unknown = false;
    for (size_t at = best.size() - 1; at > 0; at = best[at].begin) {
      int32_t id = best[at].id;
      if (id < 0 && vocabulary.unk < 0)
        return Status(Code::InvalidArgument,
                      "the vocabulary has no token for a character and no "
                      "unknown token");
      if (id >= 0 || !unknown)
        ids.push_back(id < 0 ? vocabulary.unk : id);
      unknown = id < 0;
    }
    std::reverse(ids.begin() + before, ids.end());
    return Status();
  }

  /// The normal form of the character at the start of `text`; its bytes become
  /// `consumed`.
  Status normalForm(std::string_view text, size_t &consumed,
                    std::string_view &form) const {
    CharacterMap::Replacement found;
    SINTER_TRY(map.find(text, found));
    if (found.consumed) {
      consumed = found.consumed;
      form = found.text;
      return Status();
    }
    size_t valid = validSequence(text);
    consumed = std::max<size_t>(valid, 1);
    form = valid ? text.substr(0, valid) : kReplacement;
    return Status();
  }

  Status normalize(std::string_view text, std::string &out) const {
    const bool collapse = vocabulary.removeExtraWhitespaces;
    out.reserve(text.size() * 2 + kBlank.size());
    bool space = true; // whether the last character was one
    auto blank = [&] { out += kBlank; };
    bool pending = vocabulary.addSpacePrefix; // a blank that is still to come
    while (!text.empty()) {
      size_t consumed = 0;
      std::string_view form;
      SINTER_TRY(normalForm(text, consumed, form));
      text.remove_prefix(consumed);
      for (char c : form) {
        if (c == ' ' && collapse) {
          pending |= !space;
          space = true;
          continue;
        }
        if (pending)
          blank();
        pending = false;
        space = c == ' ';
        if (space)
          blank();
        else
          out += c;
      }
    }
    while (collapse && out.ends_with(kBlank)) // U+2581 of the text's own
      out.resize(out.size() - kBlank.size());
    return Status();
  }

  const Vocabulary &vocabulary;
  const TokenIndex &index;
  CharacterMap map;
  size_t longest = 0;
  double unknownScore = 0;
};

} // namespace

Result<std::unique_ptr<TextEncoder>> makeUnigram(const Vocabulary &vocabulary,
                                                 const TokenIndex &index) {
  Result<CharacterMap> map = CharacterMap::create(vocabulary.charactersMap);
  if (!map)
    return map.status();
  auto encoder = std::make_unique<Unigram>(vocabulary, index, *map);
  if (Status status = encoder->survey(); !status.ok())
    return status;
  return std::unique_ptr<TextEncoder>(std::move(encoder));
}

} // namespace sinter
