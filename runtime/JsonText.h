/// Reads JSON that may come from a stranger.
#ifndef SINTER_RUNTIME_JSONTEXT_H
#define SINTER_RUNTIME_JSONTEXT_H

#include <nlohmann/json.hpp>

#include <cstddef>
#include <span>
#include <string>

namespace sinter {

/// Keeps keys in the order of the file.
using Json = nlohmann::ordered_json;

/// The value in `text`, or a discarded one (is_discarded()) where it is no JSON
/// or nested deeper than anything the compiler writes: what walks over values
/// does so recursively.
Json parseJson(std::span<const std::byte> text);

/// The list under a key of an object; an empty one if there is none.
const Json &listUnder(const Json &object, const char *key);

/// The number under a key of an object; 0 if there is none.
double numberUnder(const Json &object, const char *key);

/// The string under a key of an object as a terminal may show it; empty if
/// there is none.
std::string textUnder(const Json &object, const char *key);

/// ASCII text of `json`; `indent` -1 puts it on one line. Throws nothing,
/// whatever bytes its strings hold.
std::string dumpJson(const Json &json, int indent = -1);

} // namespace sinter

#endif // SINTER_RUNTIME_JSONTEXT_H
