/// Makes text out of a file safe to show: names in an artifact come from a
/// stranger, and a terminal obeys what it is shown.
#ifndef SINTER_RUNTIME_PRINTABLETEXT_H
#define SINTER_RUNTIME_PRINTABLETEXT_H

#include <string>
#include <string_view>

namespace sinter {

/// `text` with control characters, and bytes that are no UTF-8, as '?'.
std::string printable(std::string_view text);

} // namespace sinter

#endif // SINTER_RUNTIME_PRINTABLETEXT_H
