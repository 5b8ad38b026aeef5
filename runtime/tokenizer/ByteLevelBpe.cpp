// Byte-level byte-pair encoding, the "gpt2" model: words of a pre-tokenizer,
// bytes as first symbols, then the merge of lowest rank until none is left.
// Tokens spell bytes as printable code points (Radford et al. 2019, GPT-2).
#include "runtime/tokenizer/MergeLoop.h"
#include "runtime/tokenizer/PreTokenizer.h"
#include "runtime/tokenizer/TextEncoder.h"

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
    MergeLoop loop(merges);
    size_t begin = 0;
    for (size_t end : splitWords(preTokenizer, points)) {
      size_t last = points.offset[end];
      SINTER_TRY(encodeWord(text.substr(begin, last - begin), loop, ids));
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
  Status encodeWord(std::string_view word, MergeLoop &loop,
                    std::vector<int32_t> &ids) const {
    if (preTokenizer.ignoreMerges) {
      std::string spelled;
      for (char byte : word)
        appendPoint(kSpelling[static_cast<unsigned char>(byte)], spelled);
      if (int32_t id = index.find(spelled); id >= 0) {
        ids.push_back(id);
        return Status();
      }
    }
    loop.clear();
    for (char byte : word)
      loop.add(byteIds[static_cast<unsigned char>(byte)]);
    loop.mergeAll();
    return loop.forEach([&](int32_t id, size_t at) {
      if (id < 0)
        id = unknown;
      if (id < 0)
        return Status(Code::InvalidArgument,
                      fmt::format("the vocabulary has no token for byte "
                                  "{:#04x} and no unknown token",
                                  static_cast<unsigned char>(word[at])));
      ids.push_back(id);
      return Status();
    });
  }

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
