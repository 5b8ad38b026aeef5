/// Walks a GGUF file once, front to back, and refuses what does not add up.
///
///   | "GGUF" | version u32 | tensors u64 | keys u64 |
///   | key: string, type u32, value | …
///   | tensor: name string, rank u32, dims u64…, type u32, offset u64 | …
///   | padding to general.alignment | tensor data |
///
/// All little-endian; a string is a u64 length and its bytes; an array is an
/// element type u32, a u64 count and the elements (GGUF specification, ggml).
#include "frontends/gguf/GgufFile.h"

#include "frontends/gguf/GgufReader.h"

#include "llvm/ADT/bit.h"

using namespace sinter;
using llvm::Error;
using llvm::StringRef;

static_assert(llvm::endianness::native == llvm::endianness::little,
              "numbers are read as they lie in the file");

/// Bytes of a number or flag; 0 for strings and arrays.
static uint64_t scalarBytes(GgufType type) {
  switch (type) {
  case GgufType::U8:
  case GgufType::I8:
  case GgufType::Bool:
    return 1;
  case GgufType::U16:
  case GgufType::I16:
    return 2;
  case GgufType::U32:
  case GgufType::I32:
  case GgufType::F32:
    return 4;
  case GgufType::U64:
  case GgufType::I64:
  case GgufType::F64:
    return 8;
  case GgufType::String:
  case GgufType::Array:
    break;
  }
  return 0;
}

Error GgufReader::takeString(std::string_view &text, StringRef what) {
  uint64_t size = 0;
  if (Error error = take(size, what))
    return error;
  if (size > kMaxGgufString)
    return fail("{0} has {1} bytes, at most {2} are allowed", what, size,
                kMaxGgufString);
  if (Error error = skip(size, what))
    return error;
  text = {reinterpret_cast<const char *>(file.all.data()) + at - size, size};
  return Error::success();
}

Error GgufReader::takeHeader(uint64_t &tensors, uint64_t &keys) {
  char magic[4] = {};
  if (Error error = take(magic, "the magic number"))
    return error;
  if (StringRef(magic, 4) != "GGUF")
    return fail("begins with {0}, expected 'GGUF'", quotedName({magic, 4}));
  if (Error error = take(file.fileVersion, "the version"))
    return error;
  uint32_t version = file.fileVersion;
  if (version != 2 && version != 3) {
    uint32_t swapped = llvm::byteswap(version);
    if (swapped == 2 || swapped == 3)
      return fail("is big-endian (version {0}), expected a little-endian file",
                  swapped);
    return fail("has version {0}, expected 2 or 3", version);
  }
  if (Error error = take(tensors, "the tensor count"))
    return error;
  if (Error error = take(keys, "the key count"))
    return error;
  if (tensors > kMaxGgufTensors)
    return fail("has {0} tensors, at most {1} are allowed", tensors,
                kMaxGgufTensors);
  if (keys > kMaxGgufKeys)
    return fail("has {0} keys, at most {1} are allowed", keys, kMaxGgufKeys);
  return Error::success();
}

Error GgufReader::takeType(GgufType &type, StringRef what) {
  uint32_t number = 0;
  if (Error error = take(number, what))
    return error;
  if (number > static_cast<uint32_t>(GgufType::F64))
    return fail("{0} has value type {1}, expected 0 to 12", what, number);
  type = static_cast<GgufType>(number);
  return Error::success();
}

Error GgufReader::takeArray(GgufValue &value, StringRef what, unsigned depth) {
  if (depth > kMaxGgufNesting)
    return fail("{0} nests arrays deeper than {1}", what, kMaxGgufNesting);
  if (Error error = takeType(value.element, what))
    return error;
  if (Error error = take(value.size, what))
    return error;
  if (value.size > kMaxGgufArray)
    return fail("{0} has {1} elements, at most {2} are allowed", what,
                value.size, kMaxGgufArray);
  uint64_t begin = at;
  if (uint64_t bytes = scalarBytes(value.element)) {
    if (Error error = skip(bytes * value.size, what))
      return error;
  } else {
    for (uint64_t i = 0; i < value.size; ++i) {
      std::string_view text;
      GgufValue inner;
      if (Error error = value.element == GgufType::String
                            ? takeString(text, what)
                            : takeArray(inner, what, depth + 1))
        return error;
    }
  }
  value.bytes = file.all.subspan(begin, at - begin);
  return Error::success();
}

Error GgufReader::takeValue(GgufValue &value, StringRef what) {
  if (Error error = takeType(value.type, what))
    return error;
  if (value.type == GgufType::Array)
    return takeArray(value, what, 1);
  if (value.type == GgufType::String) {
    std::string_view text;
    if (Error error = takeString(text, what))
      return error;
    value.bytes = std::as_bytes(std::span(text));
    return Error::success();
  }
  uint64_t size = scalarBytes(value.type);
  if (Error error = skip(size, what))
    return error;
  value.bytes = file.all.subspan(at - size, size);
  if (value.type == GgufType::Bool && value.bytes[0] > std::byte{1})
    return fail("{0} is a bool of {1}, expected 0 or 1", what,
                static_cast<unsigned>(value.bytes[0]));
  return Error::success();
}

Error GgufReader::takeEntry() {
  std::string number = llvm::formatv("key {0}", file.entries.size());
  GgufEntry entry;
  if (Error error = takeString(entry.key, number))
    return error;
  std::string what = "key " + quotedName(entry.key);
  if (Error error = takeValue(entry.value, what))
    return error;
  if (!file.keyIndex.try_emplace(entry.key, file.entries.size()).second)
    return fail("{0} occurs twice", what);
  file.entries.push_back(entry);
  return Error::success();
}

llvm::Expected<GgufFile> GgufReader::read() {
  uint64_t tensors = 0, keys = 0;
  if (Error error = takeHeader(tensors, keys))
    return error;
  // Nothing is reserved for the counts: they are a stranger's, and the file
  // ends the loops early if they lie.
  for (uint64_t i = 0; i < keys; ++i)
    if (Error error = takeEntry())
      return error;
  for (uint64_t i = 0; i < tensors; ++i)
    if (Error error = takeTensor())
      return error;
  if (Error error = placeTensors())
    return error;
  return std::move(file);
}

llvm::Expected<GgufFile> GgufFile::parse(std::span<const std::byte> bytes,
                                         StringRef name) {
  return GgufReader(bytes, name).read();
}

const GgufValue *GgufFile::find(StringRef key) const {
  auto found = keyIndex.find(key);
  return found == keyIndex.end() ? nullptr : &entries[found->second].value;
}

const GgufTensor *GgufFile::findTensor(StringRef name) const {
  auto found = tensorIndex.find(name);
  return found == tensorIndex.end() ? nullptr : &table[found->second];
}
