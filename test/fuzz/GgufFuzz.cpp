// Feeds arbitrary bytes to the GGUF reader and, where it accepts them, reads
// every value and every tensor's bytes through the view, asks for all of them
// as families do, and makes a tokenizer of the vocabulary.
#include "frontends/gguf/ModelSource.h"
#include "frontends/gguf/Quantisation.h"
#include "frontends/gguf/Vocabulary.h"
#include "runtime/Tokenizer.h"

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

/// Consumes an error, which must have a message.
static void expectMessage(llvm::Error error) {
  if (error && llvm::toString(std::move(error)).empty())
    std::abort();
}

/// Every key as every kind of answer, every tensor as it is and as it is not.
static void askForAll(const GgufModel &model, llvm::StringRef arch) {
  ModelSource source(model, arch);
  const Extent other = source.size("block_count");
  for (const GgufEntry &entry : model.first().metadata()) {
    llvm::StringRef key = entry.key;
    if (!key.consume_front((arch + ".").str()))
      continue;
    source.size(key);
    source.size(key, other);
    source.count(key, 0);
    source.number(key, 1.0);
    source.word(key, "");
  }
  source.refuseOtherMaths();
  for (const GgufTensor &tensor : model.first().tensors()) {
    std::vector<Extent> shape;
    for (size_t i = 0; i < tensor.dims.size(); ++i)
      shape.push_back(source.sizeOf(tensor.name, i, "size"));
    source.tensor(tensor.name, shape, /*plain=*/false, Need::Required);
    source.tensor(tensor.name, {other}, /*plain=*/true, Need::Optional);
  }
  source.allWarnings();
  quantisationOf(model);
  expectMessage(source.takeError());
}

/// What compile does with the tokenizer's keys.
static void readTokenizer(const GgufModel &model) {
  PlacedTensor table = model.findTensor("token_embd.weight");
  uint64_t rows =
      table.tensor && table.tensor->dims.size() > 1 ? table.tensor->dims[1] : 1;
  auto vocabulary = readVocabulary(model, rows);
  if (!vocabulary)
    return expectMessage(vocabulary.takeError());
  auto tokenizer = Tokenizer::create(std::move(*vocabulary));
  if (!tokenizer.ok() && tokenizer.status().message().empty())
    std::abort();
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  auto model =
      GgufModel::view(std::as_bytes(std::span(data, size)), "input.gguf");
  if (!model) {
    expectMessage(model.takeError());
    return 0;
  }
  const GgufFile *file = &(*model)->first();
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
  const GgufValue *arch = file->find("general.architecture");
  askForAll(**model, arch ? arch->string().value_or("") : "");
  readTokenizer(**model);
  volatile size_t sink = sum;
  (void)sink;
  return 0;
}
