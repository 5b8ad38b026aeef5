// Keeps the bytes whose fate the next token may decide.
#include "runtime/TextStream.h"

#include "runtime/tokenizer/Unicode.h"

#include <algorithm>
#include <utility>

namespace sinter {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD"; // U+FFFD

/// Bytes at the end of `text` that begin `stop` without being all of it.
size_t beginningAtEnd(std::string_view text, std::string_view stop) {
  size_t bytes = std::min(text.size(), stop.size() - 1);
  while (bytes > 0 && !stop.starts_with(text.substr(text.size() - bytes)))
    --bytes;
  return bytes;
}

} // namespace

TextStream::TextStream(std::vector<std::string> wanted)
    : stops(std::move(wanted)) {
  std::erase(stops, "");
}

std::string TextStream::feed(std::string_view piece) {
  if (isStopped)
    return "";
  pending += piece;
  size_t found = pending.npos, held = 0;
  for (const std::string &stop : stops) {
    found = std::min(found, pending.find(stop));
    held = std::max(held, beginningAtEnd(pending, stop));
  }
  if (found == pending.npos)
    return take(pending.size() - held, false);
  isStopped = true;
  pending.resize(found);
  return take(found, true);
}

std::string TextStream::finish() { return take(pending.size(), true); }

/// Removes the characters that begin before `limit` from `pending` and returns
/// them, up to one that is not whole, unless the text is `atEnd`.
std::string TextStream::take(size_t limit, bool atEnd) {
  std::string text;
  std::string_view rest = pending;
  while (pending.size() - rest.size() < limit) {
    size_t bytes = validSequence(rest);
    if (bytes != 0) {
      text += rest.substr(0, bytes);
    } else {
      bytes = partialSequence(rest);
      if (bytes == rest.size() && !atEnd)
        break;
      bytes = std::max<size_t>(bytes, 1);
      text += kReplacement;
    }
    rest.remove_prefix(bytes);
  }
  pending.erase(0, pending.size() - rest.size());
  return text;
}

} // namespace sinter
