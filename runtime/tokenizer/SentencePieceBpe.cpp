// SentencePiece's byte-pair encoding, the "llama" model: spaces are written as
// U+2581, characters are the first symbols, and of all adjacent pairs that
// form a token the one with the highest score is merged until none is left;
// characters without a token become byte tokens (Kudo and Richardson 2018).
#include "runtime/tokenizer/Blank.h"
#include "runtime/tokenizer/TextEncoder.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace sinter {
namespace {

/// Whether a token continues with a U+2581 after something else: then a merge
/// may span the start of a word, and words cannot be encoded apart.
bool spansWords(std::string_view token) {
  bool other = false;
  while (!token.empty()) {
    if (!token.starts_with(kBlank)) {
      other = true;
      token.remove_prefix(1);
      continue;
    }
    if (other)
      return true;
    token.remove_prefix(kBlank.size());
  }
  return false;
}

struct Symbol {
  uint32_t begin;
  uint32_t bytes; ///< 0 once merged into its left neighbour
  int32_t previous;
  int32_t next;
};

struct Candidate {
  float score;
  int32_t left;
  uint32_t bytes; ///< of both parts, which tells a stale candidate
  /// Highest score first, then leftmost; the heap keeps its greatest on top.
  bool operator<(const Candidate &other) const {
    return score != other.score ? score < other.score : left > other.left;
  }
};

struct Scratch {
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
};

class SentencePieceBpe final : public TextEncoder {
public:
  SentencePieceBpe(const Vocabulary &vocabulary, const TokenIndex &index)
      : vocabulary(vocabulary), index(index) {
    byteIds.fill(-1);
    for (size_t id = 0; id < vocabulary.tokens.size(); ++id) {
      std::string_view token = vocabulary.tokens[id];
      if (vocabulary.type(id) == TokenType::Byte)
        if (int byte = byteOfToken(token); byte >= 0 && byteIds[byte] < 0)
          byteIds[byte] = static_cast<int32_t>(id);
      if (isPiece(static_cast<int32_t>(id)) && spansWords(token))
        wordsApart = false;
    }
  }

  Status encode(std::string_view text, bool atStart,
                std::vector<int32_t> &ids) const override {
    std::string escaped = normalize(text, atStart);
    Scratch scratch;
    std::string_view rest = escaped;
    while (!rest.empty()) {
      size_t bytes = wordsApart ? wordBytes(rest) : rest.size();
      SINTER_TRY(encodeWord(rest.substr(0, bytes), scratch, ids));
      rest.remove_prefix(bytes);
    }
    return Status();
  }

  void appendText(std::string_view token, std::string &out) const override {
    appendSpaced(token, out);
  }

private:
  /// Control, unknown and byte tokens are never the result of a merge.
  bool isPiece(int32_t id) const {
    TokenType type = vocabulary.type(id);
    return type != TokenType::Control && type != TokenType::Unknown &&
           type != TokenType::Byte;
  }

  int32_t findPiece(std::string_view text) const {
    int32_t id = index.find(text);
    return id >= 0 && isPiece(id) ? id : -1;
  }

  /// `text` with its space prefix and with spaces as U+2581.
  std::string normalize(std::string_view text, bool atStart) const {
    std::string out;
    out.reserve(text.size() + text.size() / 2 + kBlank.size());
    bool collapse = vocabulary.removeExtraWhitespaces;
    if (collapse) {
      size_t first = text.find_first_not_of(' ');
      text = first == text.npos
                 ? std::string_view()
                 : text.substr(first, text.find_last_not_of(' ') - first + 1);
    }
    if (vocabulary.addSpacePrefix && atStart && !text.empty())
      out += kBlank;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != ' ')
        out += text[i];
      else if (!collapse || text[i - 1] != ' ')
        out += kBlank;
    }
    return out;
  }

  /// Bytes up to the next U+2581 that follows something else.
  static size_t wordBytes(std::string_view text) {
    size_t at = 0;
    while (text.substr(at).starts_with(kBlank))
      at += kBlank.size();
    return std::min(text.find(kBlank, at), text.size());
  }

  Status encodeWord(std::string_view word, Scratch &scratch,
                    std::vector<int32_t> &ids) const {
    start(word, scratch);
    while (!scratch.heap.empty())
      mergeBest(word, scratch);
    for (int32_t at = 0; at >= 0; at = scratch.symbols[at].next) {
      const Symbol &symbol = scratch.symbols[at];
      SINTER_TRY(emit(word.substr(symbol.begin, symbol.bytes), ids));
    }
    return Status();
  }

  void start(std::string_view word, Scratch &scratch) const {
    scratch.symbols.clear();
    scratch.heap.clear();
    for (size_t at = 0; at < word.size();) {
      size_t bytes = std::max<size_t>(validSequence(word.substr(at)), 1);
      auto count = static_cast<int32_t>(scratch.symbols.size());
      scratch.symbols.push_back({static_cast<uint32_t>(at),
                                 static_cast<uint32_t>(bytes), count - 1,
                                 at + bytes < word.size() ? count + 1 : -1});
      at += bytes;
    }
    for (size_t i = 1; i < scratch.symbols.size(); ++i)
      consider(word, static_cast<int32_t>(i) - 1, static_cast<int32_t>(i),
               scratch);
  }

  void consider(std::string_view word, int32_t left, int32_t right,
                Scratch &scratch) const {
    if (left < 0 || right < 0)
      return;
    uint32_t bytes = scratch.symbols[left].bytes + scratch.symbols[right].bytes;
    int32_t id = findPiece(word.substr(scratch.symbols[left].begin, bytes));
    if (id < 0)
      return;
    float score = vocabulary.scores.empty() ? 0.0F : vocabulary.scores[id];
    scratch.heap.push_back({score, left, bytes});
    std::push_heap(scratch.heap.begin(), scratch.heap.end());
  }

  void mergeBest(std::string_view word, Scratch &scratch) const {
    std::pop_heap(scratch.heap.begin(), scratch.heap.end());
    Candidate best = scratch.heap.back();
    scratch.heap.pop_back();
    auto &symbols = scratch.symbols;
    Symbol &left = symbols[best.left];
    if (left.bytes == 0 || left.next < 0 ||
        left.bytes + symbols[left.next].bytes != best.bytes)
      return;
    Symbol &right = symbols[left.next];
    left.bytes = best.bytes;
    left.next = right.next;
    right.bytes = 0;
    if (left.next >= 0)
      symbols[left.next].previous = best.left;
    consider(word, left.previous, best.left, scratch);
    consider(word, best.left, left.next, scratch);
  }

  Status emit(std::string_view piece, std::vector<int32_t> &ids) const {
    if (int32_t id = findPiece(piece); id >= 0) {
      ids.push_back(id);
      return Status();
    }
    for (char c : piece) {
      auto byte = static_cast<unsigned char>(c);
      int32_t id = byteIds[byte] >= 0 ? byteIds[byte] : vocabulary.unk;
      if (id < 0)
        return Status(Code::InvalidArgument,
                      fmt::format("the vocabulary has no token for byte "
                                  "{:#04x} and no unknown token",
                                  byte));
      ids.push_back(id);
      if (id == vocabulary.unk)
        break; // one unknown token for the whole character
    }
    return Status();
  }

  const Vocabulary &vocabulary;
  const TokenIndex &index;
  std::array<int32_t, 256> byteIds{};
  bool wordsApart = true;
};

} // namespace

int byteOfToken(std::string_view token) {
  auto digit = [](char c) {
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    size_t value = kDigits.find(c);
    return value == kDigits.npos ? -1 : static_cast<int>(value);
  };
  if (token.size() != 6 || !token.starts_with("<0x") || token[5] != '>')
    return -1;
  int high = digit(token[3]), low = digit(token[4]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

Result<std::unique_ptr<TextEncoder>>
makeSentencePieceBpe(const Vocabulary &vocabulary, const TokenIndex &index) {
  return std::unique_ptr<TextEncoder>(
      std::make_unique<SentencePieceBpe>(vocabulary, index));
}

} // namespace sinter
