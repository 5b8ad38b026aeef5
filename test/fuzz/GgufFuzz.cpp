// Feeds arbitrary bytes to the GGUF reader and, where it accepts them, reads
// every value and every tensor's bytes through the view.
#include "frontends/gguf/GgufFile.h"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

using namespace sinter;

/// Touches all that a value can give.
static size_t readValue(const GgufValue &value) {
  size_t sum = value.describe().size();
  sum += value.integer().value_or(0) != 0;
  sum += value.number().value_or(0.0) > 0.0;
  sum += value.flag().value_or(false);
  sum += value.string().value_or("").size();
  if (auto strings = value.strings())
    for (std::string_view text : *strings)
      sum += text.empty() ? 0 : static_cast<unsigned char>(text.back());
  if (auto numbers = value.numbers())
    sum += numbers->size();
  if (auto integers = value.integers())
    sum += integers->size();
  return sum;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto file =
      GgufFile::parse(std::as_bytes(std::span(data, size)), "input.gguf");
  if (!file) {
    if (llvm::toString(file.takeError()).empty())
      std::abort(); // an error without a message
    return 0;
  }
  size_t sum = 0;
  for (const GgufEntry &entry : file->metadata()) {
    sum += readValue(entry.value);
    if (!file->find(entry.key))
      std::abort(); // every key is found again
  }
  for (const GgufTensor &tensor : file->tensors()) {
    if (tensor.bytes > size || tensor.offset > size - tensor.bytes)
      std::abort(); // a tensor outside the file
    for (uint64_t i = 0; i < tensor.bytes; ++i)
      sum += data[tensor.offset + i];
  }
  volatile size_t sink = sum;
  (void)sink;
  return 0;
}
