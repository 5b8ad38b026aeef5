/// Answers an architecture's questions about keys from a file, or records them.
#include "frontends/gguf/ModelSource.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

#include <algorithm>
#include <cmath>

using namespace sinter;
using llvm::ArrayRef;
using llvm::StringRef;

std::string ModelSource::keyName(StringRef key) const {
  return "key " + quotedName(arch + "." + key.str());
}

void ModelSource::refuse(std::string text) {
  if (failure.empty())
    failure = std::move(text);
}

llvm::Error ModelSource::takeError() {
  if (failure.empty())
    return llvm::Error::success();
  std::string file =
      model ? "file " + quotedName(model->first().name()) + ": " : "";
  return llvm::createStringError(llvm::inconvertibleErrorCode(),
                                 file + failure);
}

const GgufValue *ModelSource::ask(StringRef key, StringRef kind,
                                  StringRef otherwise) {
  std::string name = arch + "." + key.str();
  if (usedKeys.insert(name).second)
    keys.push_back({name, kind.str(), otherwise.str()});
  return model ? model->find(name) : nullptr;
}

/// `value` as a number from `least`; an array must say the same for all
/// layers, unless sizes() was asked for them.
std::optional<int64_t>
ModelSource::wholeNumber(StringRef key, const GgufValue &value, int64_t least) {
  std::optional<int64_t> number = value.integer();
  if (auto list = value.integers(); list && !list->empty()) {
    number = list->front();
    auto differs = [&](int64_t other) { return other != *number; };
    if (!differing.contains(key) && llvm::any_of(*list, differs)) {
      refuse(keyName(key) + " differs between layers, expected one value");
      return std::nullopt;
    }
  }
  if (number && *number >= least && *number <= kLargestSize)
    return number;
  refuse(llvm::formatv("{0} is {1}, expected a whole number from {2} to {3}",
                       keyName(key),
                       number ? std::to_string(*number) : value.describe(),
                       least, kLargestSize));
  return std::nullopt;
}

Extent ModelSource::size(StringRef key) {
  const GgufValue *value = ask(key, "integer", "");
  if (describes())
    return {kSample, key.str()};
  if (!value)
    refuse(keyName(key) + " is missing");
  return {value ? wholeNumber(key, *value, 1).value_or(1) : 1, key.str()};
}

Extent ModelSource::size(StringRef key, const Extent &otherwise) {
  const GgufValue *value = ask(key, "integer", otherwise.formula);
  if (describes())
    return {kSample, key.str()};
  if (!value)
    return {otherwise.value, key.str()};
  return {wholeNumber(key, *value, 1).value_or(1), key.str()};
}

std::vector<Extent> ModelSource::eachLayer(StringRef key, const Extent &layers,
                                           const Extent &first) {
  std::vector<Extent> result(layers.value, first);
  if (describes())
    return result;
  std::vector<int64_t> numbers = ofLayers(key, layers.value);
  for (size_t i = 0; i < std::min(numbers.size(), result.size()); ++i) {
    if (numbers[i] < 1)
      refuse(llvm::formatv("{0} is {1} for layer {2}, expected a whole number "
                           "from 1",
                           keyName(key), numbers[i], i));
    result[i].value = std::max<int64_t>(1, numbers[i]);
  }
  return result;
}

std::vector<Extent> ModelSource::sizes(StringRef key, const Extent &layers) {
  differing.insert(key);
  return eachLayer(key, layers, size(key));
}

std::vector<Extent> ModelSource::sizes(StringRef key, const Extent &layers,
                                       const Extent &otherwise) {
  differing.insert(key);
  return eachLayer(key, layers, size(key, otherwise));
}

Extent ModelSource::layers() {
  Extent layers = size("block_count");
  if (describes())
    return layers;
  uint64_t tensors = 0;
  for (const GgufFile &file : model->files())
    tensors += file.tensors().size();
  if (uint64_t(layers.value) <= tensors)
    return layers;
  refuse(llvm::formatv("{0} is {1}, but the file has only {2} tensors",
                       keyName(layers.formula), layers.value, tensors));
  return {1, layers.formula};
}

int64_t ModelSource::count(StringRef key, int64_t otherwise) {
  const GgufValue *value = ask(key, "integer", std::to_string(otherwise));
  return value ? wholeNumber(key, *value, 0).value_or(otherwise) : otherwise;
}

std::optional<int64_t> ModelSource::count(StringRef key) {
  const GgufValue *value = ask(key, "integer", "none");
  return value ? wholeNumber(key, *value, 0) : std::nullopt;
}

double ModelSource::number(StringRef key, std::optional<double> otherwise) {
  const GgufValue *value =
      ask(key, "float", otherwise ? plainNumber(*otherwise) : "");
  if (!value) {
    if (!otherwise && model)
      refuse(keyName(key) + " is missing");
    return otherwise.value_or(1.0);
  }
  std::optional<double> found = value->number();
  if (found && std::isfinite(*found))
    return *found;
  refuse(llvm::formatv("{0} is {1}, expected a finite number", keyName(key),
                       found ? "not finite" : value->describe()));
  return 1.0;
}

double ModelSource::factor(StringRef key) {
  double found = number(key, 1.0);
  return found == 0.0 ? 1.0 : found;
}

bool ModelSource::flag(StringRef key, bool otherwise) {
  const GgufValue *value = ask(key, "bool", otherwise ? "true" : "false");
  if (!value)
    return otherwise;
  if (auto found = value->flag())
    return *found;
  refuse(llvm::formatv("{0} is {1}, expected a bool", keyName(key),
                       value->describe()));
  return otherwise;
}

std::string ModelSource::word(StringRef key, StringRef otherwise) {
  const GgufValue *value = ask(key, "string", otherwise);
  if (!value)
    return otherwise.str();
  if (auto found = value->string())
    return std::string(*found);
  refuse(llvm::formatv("{0} is {1}, expected a string", keyName(key),
                       value->describe()));
  return otherwise.str();
}

std::vector<int64_t> ModelSource::ofLayers(StringRef key, size_t layers) {
  const GgufValue *value = ask(key, "integers", "none");
  return value ? numbersOf(key, *value, layers) : std::vector<int64_t>();
}

std::vector<int64_t> ModelSource::ofEachLayer(StringRef key, size_t layers) {
  const GgufValue *value = ask(key, "integers", "");
  for (AskedKey &before : keys) // perhaps asked as if it could be left out
    if (before.key == arch + "." + key.str())
      before.otherwise.clear();
  if (value)
    return numbersOf(key, *value, layers);
  if (!describes())
    refuse(keyName(key) + " is missing, expected a number for each layer");
  return std::vector<int64_t>(layers, 1);
}

/// The file's list, or its one number for all.
std::vector<int64_t>
ModelSource::numbersOf(StringRef key, const GgufValue &value, size_t layers) {
  std::vector<int64_t> numbers;
  if (auto flags = value.flags())
    numbers.assign(flags->begin(), flags->end());
  else if (auto list = value.integers())
    numbers.assign(list->begin(), list->end());
  else if (auto one = value.integer())
    numbers.assign(layers, *one);
  bool small = llvm::all_of(numbers, [](int64_t number) {
    return number >= 0 && number <= kLargestSize;
  });
  if (numbers.size() >= layers && small)
    return numbers;
  refuse(llvm::formatv("{0} is {1}, expected {2} whole numbers from 0 to {3}",
                       keyName(key), value.describe(), layers, kLargestSize));
  return std::vector<int64_t>(layers, 1);
}

bool ModelSource::isAsked(StringRef key) const {
  return usedKeys.contains(arch + "." + key.str());
}

void ModelSource::refuseOtherMaths() {
  if (!isAsked("expert_count"))
    if (int64_t experts = count("expert_count", 0))
      refuse(llvm::formatv("{0} is {1}, but routed experts are not supported "
                           "in this family yet",
                           keyName("expert_count"), experts));
  if (!isAsked("attention.causal"))
    if (const GgufValue *causal = ask("attention.causal", "bool", "true"))
      if (!causal->flag().value_or(false))
        refuse(keyName("attention.causal") + " is " +
               (causal->flag() ? "false" : causal->describe()) +
               ", expected true in this family");
  auto refuseAllBut = [&](StringRef key, double plain) {
    if (isAsked(key))
      return;
    // 0 is how some writers say that there is none.
    if (double found = number(key, plain); found != plain && found != 0.0)
      refuse(llvm::formatv("{0} is {1}, expected {2} in this family",
                           keyName(key), plainNumber(found),
                           plainNumber(plain)));
  };
  for (StringRef key : {"attn_logit_softcapping", "final_logit_softcapping"})
    refuseAllBut(key, 0.0);
  for (StringRef key : {"logit_scale", "residual_scale", "embedding_scale"})
    refuseAllBut(key, 1.0);
}

std::vector<std::string> ModelSource::allWarnings() const {
  std::vector<std::string> result = warnings;
  for (const GgufEntry &entry : model->first().metadata()) {
    StringRef key = entry.key;
    if (key.starts_with(arch + ".") && key != arch + ".vocab_size" &&
        !usedKeys.contains(key))
      result.push_back("key " + quotedName(key) + " is not used");
  }
  for (const GgufFile &file : model->files())
    for (const GgufTensor &tensor : file.tensors())
      if (!usedTensors.contains(tensor.name))
        result.push_back("tensor " + quotedName(tensor.name) + " is not used");
  return result;
}

std::string ModelSource::describe() const {
  std::string text = "architecture " + arch + "\n\nkeys\n";
  for (const AskedKey &asked : keys) {
    text += llvm::formatv("  {0,-50} {1,-9}", asked.key, asked.kind);
    text += asked.otherwise.empty() ? "required" : "default " + asked.otherwise;
    text += "\n";
  }
  text += "\ntensors (width first, as GGUF lists them; N counts layers)\n";
  for (const AskedTensor &asked : tensors) {
    std::string name = asked.name;
    if (StringRef(name).starts_with("blk.0."))
      name.replace(0, 6, "blk.N.");
    text += llvm::formatv("  {0,-28} {1,-11} {2}{3}\n", name, asked.types,
                          asked.shape,
                          asked.need == Need::Optional ? " optional" : "");
  }
  return text;
}
