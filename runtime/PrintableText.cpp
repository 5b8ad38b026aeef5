/// Uses the tokenizers' own reading of UTF-8.
#include "runtime/PrintableText.h"

#include "runtime/tokenizer/Unicode.h"

namespace sinter {

std::string printable(std::string_view text) {
  std::string shown;
  while (!text.empty()) {
    size_t length = 1;
    uint32_t point = decodePoint(text, length);
    bool control = point < 0x20 || (point >= 0x7f && point < 0xa0);
    if (control || point == kInvalidPoint)
      shown += '?';
    else
      shown += text.substr(0, length);
    text.remove_prefix(length);
  }
  return shown;
}

} // namespace sinter
