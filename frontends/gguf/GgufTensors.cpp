/// The table of tensors: shapes and types, then the place of each, inside the
/// file.
#include "frontends/gguf/GgufReader.h"

#include "dialects/formats/Format.h"

#include "llvm/Support/MathExtras.h"

using namespace sinter;
using llvm::Error;
using llvm::StringRef;

static constexpr uint64_t kDefaultAlignment = 32; // GGUF specification

Error GgufReader::takeDims(GgufTensor &tensor) {
  std::string what = "tensor " + quotedName(tensor.name);
  uint32_t rank = 0;
  if (Error error = take(rank, what))
    return error;
  if (rank > kMaxGgufRank)
    return fail("{0} has rank {1}, at most {2} is allowed", what, rank,
                kMaxGgufRank);
  uint64_t elements = 1;
  for (uint32_t i = 0; i < rank; ++i) {
    uint64_t size = 0;
    if (Error error = take(size, what))
      return error;
    if (size == 0 || size > (uint64_t(1) << 62) / elements)
      return fail("{0} has size {1} in dimension {2}, expected at least 1 and "
                  "at most 2^62 elements in all",
                  what, size, i);
    elements *= size;
    tensor.dims.push_back(size);
  }
  return Error::success();
}

Error GgufReader::takeTensor() {
  GgufTensor tensor;
  std::string number = llvm::formatv("tensor {0}", file.table.size());
  if (Error error = takeString(tensor.name, number))
    return error;
  std::string what = "tensor " + quotedName(tensor.name);
  if (Error error = takeDims(tensor))
    return error;
  if (Error error = take(tensor.type, what))
    return error;
  if (Error error = take(tensor.offset, what))
    return error;
  if (!file.tensorIndex.try_emplace(tensor.name, file.table.size()).second)
    return fail("{0} occurs twice", what);
  file.table.push_back(std::move(tensor));
  return Error::success();
}

Error GgufReader::takeAlignment(uint64_t &alignment) {
  alignment = kDefaultAlignment;
  const GgufValue *value = file.find("general.alignment");
  if (!value)
    return Error::success();
  std::optional<int64_t> number = value->integer();
  if (value->type != GgufType::U32 || !llvm::isPowerOf2_64(*number))
    return fail("key 'general.alignment' is {0}{1}, expected a u32 that is a "
                "power of 2",
                number ? llvm::formatv("{0} as ", *number).str() : "",
                value->describe());
  alignment = *number;
  return Error::success();
}

/// Turns `offset`, so far from the start of the tensor data, into one from the
/// start of the file.
Error GgufReader::placeTensor(GgufTensor &tensor, uint64_t data,
                              uint64_t alignment) {
  std::string what = "tensor " + quotedName(tensor.name);
  if (tensor.offset % alignment)
    return fail("{0} lies at offset {1}, expected a multiple of {2}", what,
                tensor.offset, alignment);
  uint64_t size = file.all.size();
  if (data > size || tensor.offset > size - data)
    return fail("{0} lies at offset {1} of the tensor data, which has {2} "
                "bytes: the file is truncated or altered",
                what, tensor.offset, data > size ? 0 : size - data);
  tensor.offset += data;
  const Format *format = findFormat(tensor.type);
  if (!format)
    return Error::success();
  uint64_t width = tensor.dims.empty() ? 1 : tensor.dims.front();
  if (width % format->blockWeights)
    return fail("{0} has rows of {1}, expected a multiple of {2} for type {3}",
                what, width, format->blockWeights, tensorTypeName(tensor.type));
  uint64_t blocks = tensor.elements() / format->blockWeights;
  uint64_t available = size - tensor.offset;
  if (blocks > available / format->blockBytes)
    return fail("{0} needs {1} blocks of {2} bytes at offset {3}, but {4} "
                "bytes are left: the file is truncated or altered",
                what, blocks, format->blockBytes, tensor.offset, available);
  tensor.bytes = blocks * format->blockBytes;
  return Error::success();
}

Error GgufReader::placeTensors() {
  uint64_t alignment = 0;
  if (Error error = takeAlignment(alignment))
    return error;
  uint64_t data = llvm::alignTo(at, alignment);
  for (GgufTensor &tensor : file.table)
    if (Error error = placeTensor(tensor, data, alignment))
      return error;
  return Error::success();
}

uint64_t GgufTensor::elements() const {
  uint64_t product = 1;
  for (uint64_t size : dims)
    product *= size;
  return product;
}
