/// Opens one GGUF file or all parts of a split one.
#include "frontends/gguf/GgufModel.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSet.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Path.h"

#include <cassert>

using namespace sinter;
using llvm::Error;
using llvm::StringRef;

template <typename... T>
static Error fail(StringRef file, const char *format, T &&...values) {
  std::string text = llvm::formatv(format, std::forward<T>(values)...);
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 "file " + quotedName(file) + ": " + text);
}

/// "-00002-of-00003.gguf".
static std::string partSuffix(uint64_t part, uint64_t count) {
  return llvm::formatv("-{0,0+5}-of-{1,0+5}.gguf", part, count);
}

/// A key of the split, or `otherwise` if the file does not have it.
static llvm::Expected<uint64_t> splitKey(const GgufFile &file, StringRef key,
                                         uint64_t otherwise) {
  const GgufValue *value = file.find(key);
  if (!value)
    return otherwise;
  std::optional<int64_t> number = value->integer();
  if (!number || *number < 0)
    return fail(file.name(), "key {0} is {1}, expected a count",
                quotedName(key),
                number ? std::to_string(*number) : value->describe());
  return *number;
}

Error GgufModel::map(StringRef path) {
  llvm::sys::fs::file_status status;
  if (std::error_code code = llvm::sys::fs::status(path, status))
    return fail(path, "cannot be opened: {0}", code.message());
  if (status.type() != llvm::sys::fs::file_type::regular_file)
    return fail(path, "is not a regular file");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fail(path, "cannot be read: {0}", buffer.getError().message());
  StringRef text = (*buffer)->getBuffer();
  auto file = GgufFile::parse(std::as_bytes(std::span(text)), path);
  if (!file)
    return file.takeError();
  buffers.push_back(std::move(*buffer));
  parts.push_back(std::move(*file));
  return Error::success();
}

Error GgufModel::checkPart(size_t index, uint64_t count) const {
  const GgufFile &part = parts[index];
  auto number = splitKey(part, "split.no", 0);
  if (!number)
    return number.takeError();
  auto parallel = splitKey(part, "split.count", 1);
  if (!parallel)
    return parallel.takeError();
  if (*number != index || *parallel != count)
    return fail(part.name(),
                "says that it is part {0} of {1}, expected part {2} of {3}",
                *number + 1, *parallel, index + 1, count);
  return Error::success();
}

Error GgufModel::checkTensors() const {
  llvm::StringSet<> seen;
  for (const GgufFile &part : parts)
    for (const GgufTensor &tensor : part.tensors())
      if (!seen.insert(tensor.name).second)
        return fail(part.name(),
                    "tensor {0} occurs in an earlier part of the model too",
                    quotedName(tensor.name));
  auto expected = splitKey(first(), "split.tensors.count", seen.size());
  if (!expected)
    return expected.takeError();
  if (*expected != seen.size())
    return fail(first().name(),
                "key 'split.tensors.count' is {0}, but the parts have {1} "
                "tensors",
                *expected, seen.size());
  return Error::success();
}

Error GgufModel::mapOtherParts(StringRef path) {
  auto count = splitKey(first(), "split.count", 1);
  if (!count)
    return count.takeError();
  if (*count <= 1)
    return Error::success();
  auto number = splitKey(first(), "split.no", 0);
  if (!number)
    return number.takeError();
  if (*number != 0)
    return fail(path, "is part {0} of {1} of a model, expected part 1",
                *number + 1, *count);
  constexpr uint64_t kMostParts = 99'999; // five digits in the name
  StringRef stem = path;
  if (*count > kMostParts || !stem.consume_back(partSuffix(1, *count)))
    return fail(path, "is part 1 of {0}, expected a name that ends in {1}",
                *count, quotedName(partSuffix(1, *count)));
  for (uint64_t i = 1; i < *count; ++i) {
    if (Error error = map(stem.str() + partSuffix(i + 1, *count)))
      return llvm::joinErrors(
          fail(path, "needs all {0} parts of the model", *count),
          std::move(error));
    if (Error error = checkPart(i, *count))
      return error;
  }
  return checkTensors();
}

llvm::Expected<std::shared_ptr<GgufModel>> GgufModel::open(StringRef path) {
  auto model = std::make_shared<GgufModel>();
  if (Error error = model->map(path))
    return error;
  if (Error error = model->mapOtherParts(path))
    return error;
  return model;
}

llvm::Expected<std::shared_ptr<GgufModel>>
GgufModel::view(std::span<const std::byte> bytes, StringRef name) {
  auto file = GgufFile::parse(bytes, name);
  if (!file)
    return file.takeError();
  auto model = std::make_shared<GgufModel>();
  model->parts.push_back(std::move(*file));
  return model;
}

PlacedTensor GgufModel::findTensor(StringRef name) const {
  for (size_t i = 0; i < parts.size(); ++i)
    if (const GgufTensor *tensor = parts[i].findTensor(name))
      return {tensor, static_cast<uint32_t>(i)};
  return {};
}

std::span<const std::byte> GgufModel::bytes(uint32_t file, uint64_t offset,
                                            uint64_t size) const {
  std::span<const std::byte> all = parts[file].bytes();
  assert(offset <= all.size() && size <= all.size() - offset &&
         "a tensor's place was checked when its file was read");
  return all.subspan(offset, size);
}
