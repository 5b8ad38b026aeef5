/// Checks and prints the shape of a matrix product.
#include "codegen/cuda/GemmShape.h"

#include "dialects/formats/Format.h"
#include "dialects/tile/Float16.h"
#include "dialects/tile/Float4.h"

namespace sinter::cuda {

Units GemmShape::units() const {
  const Format *known = findFormat(std::string_view(format));
  if (known && input.getQ8() && input.getSums() & float4Of(*known))
    return Units::Floats4;
  if (config.getMma() && known && known->form.family == Family::Plain)
    return Units::Floats16;
  if (config.getWgmma())
    return Units::FourWarps;
  return config.getMma() ? Units::Bytes : Units::Lanes;
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
  return llvm::Error::success();
}

llvm::Error GemmShape::checkFloat16() const {
  const Format *known = findFormat(std::string_view(format));
  if (known->form.plain == PlainType::F32)
    return llvm::createStringError(
        "matrix units multiply weights of 8 and 16 bits, found %s",
        format.str().c_str());
  if (input.getStride() != input.getWidth() ||
      !hasFloat16Units(*known, width, width))
    return llvm::createStringError(
        "matrix units take 16-bit weights in whole rows of a multiple of 32 "
        "columns, found %u columns in rows %u apart",
        width, input.getStride());
  unsigned groups = config.getRowGroups(), tokens = config.getTokens();
  if (decode ? !isFewFloat16Tile(groups, tokens)
             : !isManyFloat16Tile(groups, tokens))
    return llvm::createStringError(
        "matrix units take no tiles of 16-bit weights of %u row groups and %u "
        "tokens",
        groups, tokens);
  return llvm::Error::success();
}

/// Two warpgroups have a row group in each of their warps, and all tokens.
llvm::Error GemmShape::checkWgmma() const {
  if (!config.getMma() || decode || config.getRowGroups() != 8 ||
      config.getTokens() != 64)
    return llvm::createStringError(
        "products of four warps take tiles of 8 row groups and 64 tokens of "
        "matrix units, found %u and %u%s%s",
        config.getRowGroups(), config.getTokens(),
        config.getMma() ? "" : " of lanes", decode ? " that decode" : "");
  return llvm::Error::success();
}

/// What WgmmaWork has, with as much again for each part to begin at a multiple
/// of 1024. The kernel's text checks that it suffices.
unsigned GemmShape::wgmmaSharedBytes() const {
  constexpr unsigned kAligned = 1024, kStages = 3, kUnits = 4;
  const Format *known = findFormat(std::string_view(format));
  unsigned groups = known->form.group < 32 ? 2 : 1;
  unsigned terms = known->form.min == GroupMin::None ? 1 : 1 + groups;
  unsigned tile = config.getTokens();
  auto aligned = [](unsigned bytes) {
    return (bytes + kAligned - 1) / kAligned * kAligned;
  };
  unsigned codes = aligned(kStages * tile * 32 * kUnits);
  unsigned beside = aligned(kStages * terms * kUnits * 4 * (tile + 8));
  unsigned sums = tile * (16 * config.getRowGroups() + 4) * 4;
  return codes + beside + aligned(sums) + kAligned;
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

llvm::Error GemmShape::checkUnits() const {
  switch (units()) {
  case Units::Lanes:
    return llvm::Error::success();
  case Units::Bytes:
    return checkMma();
  case Units::Floats4:
    return checkFloat4();
  case Units::Floats16:
    return checkFloat16();
  case Units::FourWarps:
    return checkWgmma();
  }
  llvm_unreachable("all units are listed");
}

llvm::Error GemmShape::print(ShapePrinter &shape) const {
  if (llvm::Error error = check())
    return error;
  if (llvm::Error error = checkUnits())
    return error;
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

llvm::Error GemmShape::printWithUnits(ShapePrinter &shape) const {
  static const char *const kNames[] = {"Lanes", "Bytes", "Floats4", "Floats16"};
  if (units() == Units::FourWarps)
    return llvm::createStringError(
        "products of four warps are of one tile of tokens a block, found "
        "blocks that take several");
  GemmShape product = *this;
  product.decode = units() == Units::Floats16 && config.getTokens() == 8;
  if (llvm::Error error = product.print(shape))
    return error;
  shape.choice("Units", "units", kNames[size_t(units())]);
  return llvm::Error::success();
}

} // namespace sinter::cuda
