// Byte-level byte-pair encoding, the "gpt2" model: words of a pre-tokenizer,
// bytes as first symbols, then the merge of lowest rank until none is left.
// Tokens spell bytes as printable code points (Radford et al. 2019, GPT-2).
#include "runtime/tokenizer/MergeTable.h"
#include "runtime/tokenizer/PreTokenizer.h"
#include "runtime/tokenizer/TextEncoder.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace sinter {
namespace {

constexpr bool isPrintable(uint32_t byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte != 0xAD);
}

/// The code point that spells each byte: itself if printable, else the next
/// one from U+0100 on.
constexpr std::array<uint16_t, 256> makeSpelling() {
  std::array<uint16_t, 256> spelling{};
  uint16_t next = 256;
  for (uint32_t byte = 0; byte < 256; ++byte)
    spelling[byte] = isPrintable(byte) ? static_cast<uint16_t>(byte) : next++;
  return spelling;
}
constexpr std::array<uint16_t, 256> kSpelling = makeSpelling();
constexpr size_t kSpellingEnd = 256 + 68; ///< 68 bytes are not printable

constexpr std::array<int16_t, kSpellingEnd> makeBytes() {
  std::array<int16_t, kSpellingEnd> bytes{};
  bytes.fill(-1);
  for (int16_t byte = 0; byte < 256; ++byte)
    bytes[kSpelling[byte]] = byte;
  return bytes;
}
constexpr std::array<int16_t, kSpellingEnd> kBytes = makeBytes();

/// Buffers that one call of encode() uses for all its words.
struct Scratch {
  struct Symbol {
    int32_t id;
    int32_t previous;
    int32_t next;
  };
  struct Candidate {
    int32_t rank;
    int32_t left;
    /// Lowest rank first, then leftmost; the heap keeps its greatest on top.
    bool operator<(const Candidate &other) const {
      return rank != other.rank ? rank > other.rank : left > other.left;
    }
  };
  std::vector<Symbol> symbols;
  std::vector<Candidate> heap;
  std::string spelled;
};

class ByteLevelBpe final : public TextEncoder {
public:
  ByteLevelBpe(const Vocabulary &vocabulary, const TokenIndex &index,
               PreTokenizer preTokenizer, MergeTable merges)
      : index(index), preTokenizer(preTokenizer), merges(std::move(merges)),
        unknown(vocabulary.unk) {
    std::string spelled;
    for (size_t byte = 0; byte < 256; ++byte) {
      spelled.clear();
      appendPoint(kSpelling[byte], spelled);
      byteIds[byte] = index.find(spelled);
    }
  }

  Status encode(std::string_view text, bool,
                std::vector<int32_t> &ids) const override {
    CodePoints points(text);
    Scratch scratch;
    size_t begin = 0;
    for (size_t end : splitWords(preTokenizer, points)) {
      size_t last = points.offset[end];
      SINTER_TRY(encodeWord(text.substr(begin, last - begin), scratch, ids));
      begin = last;
    }
    return Status();
  }

  void appendText(std::string_view token, std::string &out) const override {
    while (!token.empty()) {
      size_t length = 0;
      uint32_t point = decodePoint(token, length);
      if (point < kSpellingEnd && kBytes[point] >= 0)
        out += static_cast<char>(kBytes[point]);
      else
        out += token.substr(0, length); // spells no byte: stands for itself
      token.remove_prefix(length);
    }
  }

private:
  Status encodeWord(std::string_view word, Scratch &scratch,
                    std::vector<int32_t> &ids) const {
    if (preTokenizer.ignoreMerges) {
      scratch.spelled.clear();
      for (char byte : word)
        appendPoint(kSpelling[static_cast<unsigned char>(byte)],
                    scratch.spelled);
      if (int32_t id = index.find(scratch.spelled); id >= 0) {
        ids.push_back(id);
        return Status();
      }
    }
    start(word, scratch);
    while (!scratch.heap.empty())
      mergeBest(scratch);
    return finish(word, scratch, ids);
  }

  void start(std::string_view word, Scratch &scratch) const {
    auto count = static_cast<int32_t>(word.size());
    scratch.symbols.clear();
    scratch.heap.clear();
    for (int32_t i = 0; i < count; ++i)
      scratch.symbols.push_back({byteIds[static_cast<unsigned char>(word[i])],
                                 i - 1, i + 1 < count ? i + 1 : -1});
    for (int32_t i = 0; i + 1 < count; ++i)
      if (int32_t rank =
              merges.find(scratch.symbols[i].id, scratch.symbols[i + 1].id);
          rank >= 0)
        scratch.heap.push_back({rank, i});
    std::make_heap(scratch.heap.begin(), scratch.heap.end());
  }

  void mergeBest(Scratch &scratch) const {
    std::pop_heap(scratch.heap.begin(), scratch.heap.end());
    Scratch::Candidate best = scratch.heap.back();
    scratch.heap.pop_back();
    const MergeIds &merge = merges[best.rank];
    auto &symbols = scratch.symbols;
    Scratch::Symbol &left = symbols[best.left];
    // A symbol that was merged away has no id, so stale candidates fail here.
    if (left.id != merge.left || left.next < 0 ||
        symbols[left.next].id != merge.right)
      return;
    Scratch::Symbol &right = symbols[left.next];
    left.id = merge.merged;
    left.next = right.next;
    right.id = kMergedAway;
    if (left.next >= 0)
      symbols[left.next].previous = best.left;
    consider(left.previous, best.left, scratch);
    consider(best.left, left.next, scratch);
  }

  void consider(int32_t left, int32_t right, Scratch &scratch) const {
    if (left < 0 || right < 0)
      return;
    if (int32_t rank =
            merges.find(scratch.symbols[left].id, scratch.symbols[right].id);
        rank >= 0) {
      scratch.heap.push_back({rank, left});
      std::push_heap(scratch.heap.begin(), scratch.heap.end());
    }
  }

  Status finish(std::string_view word, const Scratch &scratch,
                std::vector<int32_t> &ids) const {
    for (int32_t at = 0; at >= 0; at = scratch.symbols[at].next) {
      int32_t id = scratch.symbols[at].id;
      if (id < 0)
        id = unknown;
      if (id < 0)
        return Status(Code::InvalidArgument,
                      fmt::format("the vocabulary has no token for byte "
                                  "{:#04x} and no unknown token",
                                  static_cast<unsigned char>(word[at])));
      ids.push_back(id);
    }
    return Status();
  }

  static constexpr int32_t kMergedAway = -2;

  const TokenIndex &index;
  PreTokenizer preTokenizer;
  MergeTable merges;
  int32_t unknown;
  std::array<int32_t, 256> byteIds{};
};

} // namespace

Result<std::unique_ptr<TextEncoder>>
makeByteLevelBpe(const Vocabulary &vocabulary, const TokenIndex &index) {
  Result<PreTokenizer> preTokenizer = findPreTokenizer(vocabulary.pre);
  if (!preTokenizer)
    return preTokenizer.status();
  Result<MergeTable> merges = MergeTable::create(vocabulary, index);
  if (!merges)
    return merges.status();
  return std::unique_ptr<TextEncoder>(std::make_unique<ByteLevelBpe>(
      vocabulary, index, *preTokenizer, std::move(*merges)));
}

} // namespace sinter
