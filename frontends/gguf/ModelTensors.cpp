/// Answers an architecture's questions about tensors.
#include "frontends/gguf/ModelSource.h"

#include "dialects/formats/Format.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

using namespace sinter;
using llvm::ArrayRef;
using llvm::StringRef;

static std::string shapeText(ArrayRef<uint64_t> dims) {
  std::string text = "[";
  for (size_t i = 0; i < dims.size(); ++i)
    text += (i ? ", " : "") + std::to_string(dims[i]);
  return text + "]";
}

static std::string shapeFormula(ArrayRef<Extent> shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + shape[i].formula;
  return text + "]";
}

void ModelSource::checkShape(const GgufTensor &tensor, ArrayRef<Extent> shape) {
  std::vector<uint64_t> expected;
  for (const Extent &extent : shape)
    expected.push_back(extent.value);
  // Writers may drop or add trailing dimensions of 1.
  auto trimmed = [](std::vector<uint64_t> dims) {
    while (!dims.empty() && dims.back() == 1)
      dims.pop_back();
    return dims;
  };
  if (trimmed(tensor.dims) != trimmed(expected))
    refuse(llvm::formatv("tensor {0} has shape {1}, expected {2} = {3}",
                         quotedName(tensor.name), shapeText(tensor.dims),
                         shapeText(expected), shapeFormula(shape)));
}

void ModelSource::checkType(const GgufTensor &tensor, bool plain) {
  const Format *format = findFormat(tensor.type);
  if (format && (!plain || format->form.plain == PlainType::F32))
    return;
  std::string expected = "f32";
  if (!plain) {
    expected = "one of";
    for (const Format *known : allFormats())
      expected += (known == allFormats().front() ? " " : ", ") +
                  std::string(known->name);
  }
  refuse(llvm::formatv("tensor {0} has type {1}, expected {2}",
                       quotedName(tensor.name), tensorTypeName(tensor.type),
                       expected));
}

PlacedTensor ModelSource::tensor(StringRef name, ArrayRef<Extent> shape,
                                 bool plain, Need need) {
  bool first = usedTensors.insert(name).second;
  if (describes()) {
    if (first)
      tensors.push_back({name.str(), shapeFormula(shape),
                         plain ? "f32" : "any format", need});
    return {};
  }
  PlacedTensor placed = model->findTensor(name);
  if (!placed.tensor) {
    if (need == Need::Required)
      refuse("tensor " + quotedName(name) + " is missing, expected shape " +
             shapeFormula(shape));
    return {};
  }
  checkType(*placed.tensor, plain);
  checkShape(*placed.tensor, shape);
  if (first) {
    elements += placed.tensor->elements();
    bytes += placed.tensor->bytes;
  }
  return placed;
}

void ModelSource::mention(StringRef name, const Extent &width,
                          const Extent &rows) {
  if (!describes())
    return;
  bool vector = rows.formula.empty();
  std::vector<Extent> shape = {width};
  if (!vector)
    shape.push_back(rows);
  tensor((name + ".weight").str(), shape, /*plain=*/vector, Need::Optional);
  tensor((name + ".bias").str(), {vector ? width : rows}, /*plain=*/true,
         Need::Optional);
}

bool ModelSource::isScaledWhole(StringRef name) const {
  PlacedTensor placed = model ? model->findTensor(name) : PlacedTensor();
  const Format *format =
      placed.tensor ? findFormat(placed.tensor->type) : nullptr;
  return !format || format->form.tensorScale;
}

Extent ModelSource::sizeOf(StringRef tensorName, unsigned index,
                           StringRef formula) {
  if (describes())
    return {kSample, formula.str()};
  PlacedTensor placed = model->findTensor(tensorName);
  // A missing tensor is reported when it is asked for.
  if (!placed.tensor || index >= placed.tensor->dims.size())
    return {1, formula.str()};
  uint64_t size = placed.tensor->dims[index];
  if (size > uint64_t(kLargestSize)) {
    refuse(llvm::formatv("tensor {0} has size {1} in dimension {2}, at most "
                         "{3} is allowed",
                         quotedName(tensorName), size, index, kLargestSize));
    size = 1;
  }
  return {static_cast<int64_t>(size), formula.str()};
}

void ModelSource::skipTensors(StringRef prefix, StringRef why) {
  if (!model)
    return;
  unsigned count = 0;
  for (const GgufFile &file : model->files())
    for (const GgufTensor &tensor : file.tensors())
      if (StringRef(tensor.name).starts_with(prefix))
        count += usedTensors.insert(tensor.name).second;
  warn(llvm::formatv("{0} tensors '{1}*': {2}", count, prefix, why));
}
