/// Checks and prints the shape of a matrix product.
#include "codegen/cuda/GemmShape.h"

#include "dialects/formats/Format.h"
#include "dialects/tile/Float4.h"

namespace sinter::cuda {

bool GemmShape::takesFloat4() const {
  const Format *known = findFormat(std::string_view(format));
  return known && input.getQ8() && input.getSums() & float4Of(*known);
}

/// Warps divide the width; each has the whole tile in its registers.
llvm::Error GemmShape::checkFloat4() const {
  unsigned groups = config.getRowGroups(), tokens = config.getTokens();
  if (!config.getMma() || groups == 0 || groups > 4 || tokens == 0 ||
      tokens % 8 || tokens > 64)
    return llvm::createStringError(
        "4-bit floats need matrix units and tiles of up to 4 row groups and 8 "
        "to 64 tokens, found %u and %u%s",
        groups, tokens, config.getMma() ? "" : " of lanes");
  return llvm::Error::success();
}

/// Eight warps share a tile of rows and tokens (prelude/MmaGemm.cuh), or the
/// columns of one of few tokens (MmaGemv.cuh).
llvm::Error GemmShape::checkMma() const {
  unsigned groups = config.getRowGroups(), tokens = config.getTokens();
  unsigned rowWarps = groups % 2 ? groups : groups / 2;
  bool fits = decode ? groups > 0 && (tokens == 8 || tokens == 16)
                     : rowWarps > 0 && 8 % rowWarps == 0 && tokens > 0 &&
                           tokens % (8 * (8 / rowWarps)) == 0;
  if (!fits)
    return llvm::createStringError(
        "matrix units take no tiles of %u row groups and %u tokens", groups,
        tokens);
  if (!input.getQ8())
    return llvm::createStringError(
        "matrix units multiply 8-bit activations, found float32");
  return llvm::Error::success();
}

/// 8-bit rows are written in blocks of 32 columns, each by one item.
llvm::Error GemmShape::check() const {
  const Format *known = findFormat(std::string_view(format));
  bool plain = known && known->form.family == Family::Plain;
  if (known && plain == input.getQ8())
    return llvm::createStringError(
        "weights of %s take %s activations, found %s", format.str().c_str(),
        plain ? "float32" : "8-bit", plain ? "8-bit" : "float32");
  unsigned block = 16 * segments * (output.getQ8() ? 2 : 1);
  bool whole = segments == 1 && !output.getQ8();
  if (!whole && (weightRows % block || config.getRowGroups() * 16 % block))
    return llvm::createStringError(
        "%u weight rows in items of %u row groups; this output needs "
        "multiples of %u rows",
        weightRows, config.getRowGroups(), block);
  return llvm::Error::success();
}

llvm::Error GemmShape::print(ShapePrinter &shape) const {
  if (llvm::Error error = check())
    return error;
  if (takesFloat4()) {
    if (llvm::Error error = checkFloat4())
      return error;
  } else if (config.getMma()) {
    if (llvm::Error error = checkMma())
      return error;
  }
  if (llvm::Error error = shape.format(format, width))
    return error;
  shape.row("In", input);
  shape.row("Out", output);
  shape.number("width", width);
  shape.number("weightRows", weightRows);
  shape.number("rowGroups", config.getRowGroups());
  shape.number("tile", config.getTokens());
  shape.number("segments", segments);
  return llvm::Error::success();
}

} // namespace sinter::cuda
