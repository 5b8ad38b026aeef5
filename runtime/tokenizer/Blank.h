/// The character that stands for a space in the tokens of SentencePiece and its
/// relatives.
#ifndef SINTER_RUNTIME_TOKENIZER_BLANK_H
#define SINTER_RUNTIME_TOKENIZER_BLANK_H

#include <string>
#include <string_view>

namespace sinter {

inline constexpr std::string_view kBlank = "\xE2\x96\x81"; // U+2581

/// Appends `token` with spaces in place of its blanks.
inline void appendSpaced(std::string_view token, std::string &out) {
  for (size_t at = token.find(kBlank); at != token.npos;
       at = token.find(kBlank)) {
    out += token.substr(0, at);
    out += ' ';
    token.remove_prefix(at + kBlank.size());
  }
  out += token;
}

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENIZER_BLANK_H
