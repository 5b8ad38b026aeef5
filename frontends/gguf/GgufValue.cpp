/// Reads metadata values out of the bytes that GgufFile has checked, and gives
/// types and names their words for messages.
#include "frontends/gguf/GgufFile.h"

#include "dialects/formats/Format.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <cstring>
#include <limits>

using namespace sinter;
using llvm::StringRef;

template <typename T> static T load(const std::byte *from) {
  T value;
  std::memcpy(&value, from, sizeof(T));
  return value;
}

/// A whole number of one of the integer types.
static std::optional<int64_t> loadInteger(GgufType type,
                                          const std::byte *from) {
  switch (type) {
  case GgufType::U8:
    return load<uint8_t>(from);
  case GgufType::I8:
    return load<int8_t>(from);
  case GgufType::U16:
    return load<uint16_t>(from);
  case GgufType::I16:
    return load<int16_t>(from);
  case GgufType::U32:
    return load<uint32_t>(from);
  case GgufType::I32:
    return load<int32_t>(from);
  case GgufType::I64:
    return load<int64_t>(from);
  case GgufType::U64: {
    uint64_t value = load<uint64_t>(from);
    if (value > uint64_t(std::numeric_limits<int64_t>::max()))
      return std::nullopt;
    return static_cast<int64_t>(value);
  }
  default:
    return std::nullopt;
  }
}

static std::optional<double> loadNumber(GgufType type, const std::byte *from) {
  if (type == GgufType::F32)
    return load<float>(from);
  if (type == GgufType::F64)
    return load<double>(from);
  if (std::optional<int64_t> whole = loadInteger(type, from))
    return static_cast<double>(*whole);
  return std::nullopt;
}

std::optional<int64_t> GgufValue::integer() const {
  return type == GgufType::Array ? std::nullopt
                                 : loadInteger(type, bytes.data());
}

std::optional<double> GgufValue::number() const {
  return type == GgufType::Array ? std::nullopt
                                 : loadNumber(type, bytes.data());
}

std::optional<bool> GgufValue::flag() const {
  if (type != GgufType::Bool)
    return std::nullopt;
  return bytes[0] != std::byte{0};
}

std::optional<std::string_view> GgufValue::string() const {
  if (type != GgufType::String)
    return std::nullopt;
  return std::string_view(reinterpret_cast<const char *>(bytes.data()),
                          bytes.size());
}

std::optional<std::vector<std::string_view>> GgufValue::strings() const {
  if (type != GgufType::Array || element != GgufType::String)
    return std::nullopt;
  std::vector<std::string_view> result;
  result.reserve(size);
  const std::byte *at = bytes.data();
  for (uint64_t i = 0; i < size; ++i) {
    uint64_t length = load<uint64_t>(at);
    at += sizeof length;
    result.emplace_back(reinterpret_cast<const char *>(at), length);
    at += length;
  }
  return result;
}

/// The elements of an array of numbers, each read by `loadOne`.
template <typename T, typename LoadOne>
static std::optional<std::vector<T>> loadAll(const GgufValue &value,
                                             LoadOne loadOne) {
  if (value.type != GgufType::Array || value.element == GgufType::String ||
      value.element == GgufType::Array)
    return std::nullopt;
  std::vector<T> result;
  result.reserve(value.size);
  uint64_t stride = value.size ? value.bytes.size() / value.size : 0;
  for (uint64_t i = 0; i < value.size; ++i) {
    auto one = loadOne(value.element, value.bytes.data() + i * stride);
    if (!one)
      return std::nullopt;
    result.push_back(*one);
  }
  return result;
}

std::optional<std::vector<int64_t>> GgufValue::integers() const {
  return loadAll<int64_t>(*this, loadInteger);
}

std::optional<std::vector<int64_t>> GgufValue::flags() const {
  auto loadFlag = [](GgufType type,
                     const std::byte *from) -> std::optional<int64_t> {
    if (type != GgufType::Bool)
      return std::nullopt;
    return from[0] != std::byte{0};
  };
  return loadAll<int64_t>(*this, loadFlag);
}

std::optional<std::vector<double>> GgufValue::numbers() const {
  return loadAll<double>(*this, loadNumber);
}

std::string GgufValue::describe() const {
  if (type != GgufType::Array)
    return nameOf(type).str();
  return llvm::formatv("array of {0} {1}", size, nameOf(element));
}

StringRef sinter::nameOf(GgufType type) {
  constexpr const char *kNames[] = {"u8",  "i8",  "u16",  "i16",    "u32",
                                    "i32", "f32", "bool", "string", "array",
                                    "u64", "i64", "f64"};
  return kNames[static_cast<uint32_t>(type)];
}

std::string sinter::quotedName(StringRef name) {
  constexpr size_t kLongest = 120;
  std::string result = "'";
  llvm::raw_string_ostream out(result);
  llvm::printEscapedString(name.take_front(kLongest), out);
  out << (name.size() > kLongest ? "…'" : "'");
  return result;
}

std::string sinter::tensorTypeName(uint32_t type) {
  if (const Format *format = findFormat(type))
    return std::string(format->name);
  // ggml_type of the types that are no weight format here (ggml.h).
  struct Named {
    uint32_t type;
    const char *name;
  };
  constexpr Named kOthers[] = {
      {24, "i8"}, {25, "i16"}, {26, "i32"}, {27, "i64"}, {28, "f64"}};
  for (const Named &other : kOthers)
    if (other.type == type)
      return other.name;
  return llvm::formatv("type {0}", type);
}
