/// Prints weight formats: PackedLayout's offsets as the members that
/// prelude/Weights.cuh reads.
#include "codegen/cuda/KernelText.h"

#include "codegen/x86/PackedLayout.h"

#include "llvm/Support/FormatVariadic.h"

namespace sinter {

static std::string printPlanes(const char *name,
                               const std::vector<x86::Plane> &planes) {
  std::string text = llvm::formatv("    using {0} = Planes<", name);
  for (size_t i = 0; i < planes.size(); ++i)
    text += llvm::formatv("{0}Plane<{1}, {2}, {3}, {4}>", i ? ", " : "",
                          planes[i].bits, planes[i].lowBit, planes[i].offset,
                          planes[i].lines)
                .str();
  return text + ">;\n";
}

static const char *scaleName(GroupScale scale) {
  switch (scale) {
  case GroupScale::F16:
    return "F16";
  case GroupScale::F32:
    return "F32";
  case GroupScale::E8M0:
    return "E8M0";
  case GroupScale::UE4M3:
    return "UE4M3";
  case GroupScale::Integer:
  case GroupScale::None:
    break;
  }
  return "Integer";
}

static const char *minName(GroupMin min) {
  switch (min) {
  case GroupMin::None:
    return "None";
  case GroupMin::Add:
    return "Add";
  case GroupMin::Subtract:
    return "Subtract";
  }
  return nullptr;
}

/// The codebook's entries, made unsigned, four to a word.
static std::string printTable(const CanonicalForm &form) {
  std::string text = "    struct Table {\n      static constexpr uint32_t ";
  for (unsigned word = 0; word < 4; ++word) {
    uint32_t bytes = 0;
    for (unsigned i = 0; i < 4; ++i)
      bytes |= uint32_t(form.codebook[4 * word + i] + int(form.codeOffset))
               << 8 * i;
    text += llvm::formatv("{0}word{1} = {2:x8}u", word ? ", " : "", word, bytes)
                .str();
  }
  return text + ";\n    };\n";
}

static const char *halfName(GridHalf half) {
  switch (half) {
  case GridHalf::Weight:
    return "Weight";
  case GridHalf::Parity:
    return "Parity";
  case GridHalf::Point:
    return "Point";
  case GridHalf::Group:
    return "Group";
  }
  return nullptr;
}

static const char *spareName(x86::SpareBits spare) {
  switch (spare) {
  case x86::SpareBits::None:
    return "None";
  case x86::SpareBits::Index:
    return "Index";
  case x86::SpareBits::Scale:
    return "Scale";
  }
  return nullptr;
}

/// What GridUnit reads beside the rest.
static std::string printGrid(const Format &format,
                             const x86::PackedLayout &layout) {
  const CanonicalForm &form = format.form;
  std::string text = printPlanes("Indices", layout.indexPlanes);
  auto number = [&](const char *member, int value) {
    text += llvm::formatv("    static constexpr unsigned {0} = {1};\n", member,
                          value);
  };
  number("pointWeights", form.pointWeights);
  number("indexBits", form.indexBits);
  number("indexLines", layout.indexLines);
  number("halves",
         layout.codePlanes.empty() ? 0 : layout.codePlanes.front().offset);
  number("scaleBits", form.scaleBits);
  return text + llvm::formatv(
                    "    static constexpr GridHalf half = GridHalf::{0};\n"
                    "    static constexpr SpareBits spare = "
                    "SpareBits::{1};\n"
                    "    static const uint32_t *points() {{ return "
                    "{2}_points; }\n",
                    halfName(form.half), spareName(layout.spare), format.name)
                    .str();
}

std::string cuda::printLattice(const Format &format) {
  const CanonicalForm &form = format.form;
  unsigned bits = 16 / form.pointWeights, count = 1u << form.indexBits;
  std::string text = llvm::formatv("__device__ const uint32_t {0}_points[{1}] "
                                   "= {{",
                                   format.name, count);
  for (unsigned point = 0; point < count; ++point) {
    uint32_t word = 0;
    for (unsigned i = 0; i < form.pointWeights; ++i)
      word |= (form.points[point] >> (bits * i) & ((1u << bits) - 1))
              << (8 * (i % 4) + i / 4 * 4);
    text += llvm::formatv("{0}{1:x8},", point % 8 ? " " : "\n    ", word).str();
  }
  return text + "\n};\n";
}

static std::string printPlain(PlainType type) {
  const char *name = type == PlainType::F32   ? "F32"
                     : type == PlainType::F16 ? "F16"
                                              : "BF16";
  return llvm::formatv("  using Format = PlainFormat<PlainType::{0}>;\n", name);
}

llvm::Expected<std::string> cuda::printFormat(llvm::StringRef name) {
  const Format *format = findFormat(std::string_view(name));
  if (!format)
    return llvm::createStringError("weight format '%s' is unknown",
                                   name.str().c_str());
  const CanonicalForm &form = format->form;
  if (form.family == Family::Plain)
    return printPlain(form.plain);
  const auto layout = x86::PackedLayout::of(*format);
  std::string text = llvm::formatv("  struct Format { // {0}\n", name);
  auto number = [&](const char *member, int value) {
    text += llvm::formatv("    static constexpr {0} = {1};\n", member, value);
  };
  number("unsigned recordWeights", layout.recordWeights);
  number("unsigned recordBytes", layout.recordBytes);
  number("unsigned headerBytes", layout.headerBytes);
  number("unsigned unitBytes", layout.unitBytes);
  number("unsigned rowGroupHeader", layout.rowGroupHeader);
  number("unsigned group", form.group);
  number("unsigned codeShift", form.codeShift);
  number("unsigned codeOffset", form.codeOffset);
  number("int superScale", layout.superScale);
  number("int superMin", layout.superMin);
  number("int groupScale", layout.groupScale);
  number("int groupMin", layout.groupMin);
  number("int groupStride", layout.groupStride);
  number("int scaleStep", form.scaleStep);
  number("int scaleOffset", form.scaleOffset);
  text += llvm::formatv("    static constexpr Scale scale = Scale::{0};\n"
                        "    static constexpr Min min = Min::{1};\n"
                        "    static constexpr float codebookScale = {2};\n",
                        scaleName(form.groupScale), minName(form.min),
                        printFloat(form.codebookScale));
  text += printPlanes("Codes", layout.codePlanes);
  text += printPlanes("Scales", layout.scalePlanes);
  text += printPlanes("Mins", layout.minPlanes);
  bool grid = form.family == Family::Grid;
  bool codebook = form.family == Family::Codebook;
  number("bool codebook", codebook);
  number("bool grid", grid);
  number("bool ternary", form.family == Family::Ternary);
  if (codebook || grid)
    text += printTable(form);
  if (grid)
    text += printGrid(*format, layout);
  return text + "  };\n";
}

} // namespace sinter
