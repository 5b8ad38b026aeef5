/// Turns token pieces into text that may be shown at once: whole UTF-8
/// characters only, and nothing of a stop string.
#ifndef SINTER_RUNTIME_TEXTSTREAM_H
#define SINTER_RUNTIME_TEXTSTREAM_H

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

class TextStream {
public:
  /// `stops`: strings that end the text and are not part of it; empty ones
  /// are ignored.
  explicit TextStream(std::vector<std::string> stops = {});

  /// Adds a token's bytes; returns the text that they make certain. A
  /// character that further bytes may complete is held back, and so is what
  /// may turn out to be a stop string. The text is valid UTF-8: bytes that no
  /// further ones can make a character become U+FFFD.
  std::string feed(std::string_view piece);

  /// Whether a stop string was met; nothing is returned after it.
  bool stopped() const { return isStopped; }

  /// What is held back, at the end of the text; a character that never became
  /// whole is U+FFFD.
  std::string finish();

private:
  std::string take(size_t limit, bool atEnd);

  std::vector<std::string> stops;
  std::string pending;
  bool isStopped = false;
};

} // namespace sinter

#endif // SINTER_RUNTIME_TEXTSTREAM_H
