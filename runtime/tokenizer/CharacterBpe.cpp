// Byte-pair encoding of characters, the "gemma4" model: spaces are written as
// U+2581, characters are the first symbols, and the merge of lowest rank is
// taken until none is left. Lines are encoded apart; line ends in a row are one
// token where the vocabulary has it, and characters without a token become byte
// tokens.
#include "runtime/tokenizer/Blank.h"
#include "runtime/tokenizer/MergeLoop.h"
#include "runtime/tokenizer/TextEncoder.h"
#include "runtime/tokenizer/Unicode.h"

#include <algorithm>
#include <array>
#include <fmt/format.h>

namespace sinter {
namespace {

class CharacterBpe final : public TextEncoder {
public:
  CharacterBpe(const Vocabulary &vocabulary, const TokenIndex &index,
               MergeTable merges)
      : index(index), merges(std::move(merges)), unknown(vocabulary.unk) {
    for (size_t byte = 0; byte < byteIds.size(); ++byte)
      byteIds[byte] = index.find(fmt::format("<0x{:02X}>", byte));
  }

  Status encode(std::string_view text, bool,
                std::vector<int32_t> &ids) const override {
    std::string escaped;
    for (char c : text)
      if (c == ' ')
        escaped += kBlank;
      else
        escaped += c;
    MergeLoop loop(merges);
    std::string_view rest = escaped;
    while (!rest.empty()) {
      bool ends = rest.front() == '\n';
      size_t bytes = std::min(
          ends ? rest.find_first_not_of('\n') : rest.find('\n'), rest.size());
      std::string_view part = rest.substr(0, bytes);
      rest.remove_prefix(bytes);
      if (int32_t id = ends ? index.find(part) : -1; id >= 0)
        ids.push_back(id);
      else
        SINTER_TRY(encodePart(part, loop, ids));
    }
    return Status();
  }

  void appendText(std::string_view token, std::string &out) const override {
    appendSpaced(token, out);
  }

private:
  Status encodePart(std::string_view part, MergeLoop &loop,
                    std::vector<int32_t> &ids) const {
    std::vector<std::string_view> characters;
    loop.clear();
    while (!part.empty()) {
      size_t bytes = std::max<size_t>(validSequence(part), 1);
      characters.push_back(part.substr(0, bytes));
      loop.add(index.find(characters.back()));
      part.remove_prefix(bytes);
    }
    loop.mergeAll();
    return loop.forEach([&](int32_t id, size_t at) {
      if (id < 0)
        return spell(characters[at], ids);
      ids.push_back(id);
      return Status();
    });
  }

  Status spell(std::string_view character, std::vector<int32_t> &ids) const {
    for (char c : character) {
      auto byte = static_cast<unsigned char>(c);
      int32_t id = byteIds[byte] >= 0 ? byteIds[byte] : unknown;
      if (id < 0)
        return Status(Code::InvalidArgument,
                      fmt::format("the vocabulary has no token for byte "
                                  "{:#04x} and no unknown token",
                                  byte));
      ids.push_back(id);
      if (id == unknown)
        break; // one unknown token for the whole character
    }
    return Status();
  }

  const TokenIndex &index;
  MergeTable merges;
  int32_t unknown;
  std::array<int32_t, 256> byteIds{};
};

} // namespace

Result<std::unique_ptr<TextEncoder>>
makeCharacterBpe(const Vocabulary &vocabulary, const TokenIndex &index) {
  Result<MergeTable> merges = MergeTable::create(vocabulary, index);
  if (!merges)
    return merges.status();
  return std::unique_ptr<TextEncoder>(
      std::make_unique<CharacterBpe>(vocabulary, index, std::move(*merges)));
}

} // namespace sinter
