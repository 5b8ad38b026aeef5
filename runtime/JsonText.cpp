/// Bounds the depth first, since the library itself sets no limit.
#include "runtime/JsonText.h"

#include "runtime/PrintableText.h"

namespace sinter {

/// The compiler nests its manifest and report 4 deep.
static constexpr int kMaxDepth = 32;

/// Deepest nesting of brackets outside strings.
static bool isShallow(std::span<const std::byte> text) {
  int depth = 0;
  bool inString = false, escaped = false;
  for (std::byte byte : text) {
    char letter = static_cast<char>(byte);
    if (inString) {
      if (!escaped && letter == '"')
        inString = false;
      escaped = !escaped && letter == '\\';
    } else if (letter == '"') {
      inString = true;
    } else if (letter == '[' || letter == '{') {
      if (++depth > kMaxDepth)
        return false;
    } else if (letter == ']' || letter == '}') {
      --depth;
    }
  }
  return true;
}

Json parseJson(std::span<const std::byte> text) {
  if (!isShallow(text))
    return Json(Json::value_t::discarded);
  const char *begin = reinterpret_cast<const char *>(text.data());
  return Json::parse(begin, begin + text.size(), nullptr, false);
}

const Json &listUnder(const Json &object, const char *key) {
  static const Json none = Json::array();
  if (!object.is_object() || !object.contains(key) || !object[key].is_array())
    return none;
  return object[key];
}

double numberUnder(const Json &object, const char *key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_number())
    return 0;
  return object[key].get<double>();
}

std::string textUnder(const Json &object, const char *key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_string())
    return "";
  return printable(object[key].get<std::string>());
}

std::string dumpJson(const Json &json, int indent) {
  return json.dump(indent, ' ', true, Json::error_handler_t::replace);
}

} // namespace sinter
