/// Prints members, each as a line of C++.
#include "codegen/cuda/ShapePrinter.h"

#include "codegen/x86/PackedLayout.h"

#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace sinter::cuda {

void ShapePrinter::number(const char *name, uint64_t value) {
  text += llvm::formatv("  static constexpr {0} {1} = {2};\n",
                        value >> 32 ? "uint64_t" : "unsigned", name, value);
}

void ShapePrinter::flag(const char *name, bool value) {
  text += llvm::formatv("  static constexpr bool {0} = {1};\n", name,
                        value ? "true" : "false");
}

void ShapePrinter::real(const char *name, double value) {
  text += llvm::formatv("  static constexpr float {0}() {{ return {1}; }\n",
                        name, printFloat(value));
}

void ShapePrinter::real(const char *name, FloatAttr value) {
  real(name, value ? value.getValueAsDouble() : 0.0);
}

void ShapePrinter::choice(const char *type, const char *name,
                          llvm::StringRef value) {
  text += llvm::formatv("  static constexpr {0} {1} = {0}::{2};\n", type, name,
                        value);
}

void ShapePrinter::row(const char *name, tile::RowAttr row) {
  text += llvm::formatv("  using {0} = Row<{1}, {2}, {3}, {4}>;\n", name,
                        row.getWidth(), row.getStride(),
                        row.getQ8() ? "true" : "false", row.getSums());
}

void ShapePrinter::cache(unsigned heads, unsigned keyWidth, unsigned valueWidth,
                         unsigned pageTokens, Type element, bool ring) {
  text += llvm::formatv("  using Element = {0};\n",
                        element.isF16()            ? "Half"
                        : element.isFloat8E4M3FN() ? "E4m3"
                        : isQ8Cache(element)       ? "Q8"
                                                   : "float");
  number("cacheHeads", heads);
  number("keyWidth", keyWidth);
  number("valueWidth", valueWidth);
  number("pageTokens", pageTokens);
  flag("ring", ring);
}

llvm::Error ShapePrinter::format(llvm::StringRef name, unsigned width) {
  llvm::Expected<std::string> printed = printFormat(name);
  if (!printed)
    return printed.takeError();
  text += *printed;
  const Format *format = findFormat(std::string_view(name));
  if (format->form.family == Family::Grid)
    kernel.lattice = format;
  text += llvm::formatv("  static constexpr uint64_t rowGroupBytes = {0};\n",
                        x86::PackedLayout::of(*format).rowGroupBytes(width));
  return llvm::Error::success();
}

llvm::Error ShapePrinter::body(Region &region, unsigned arguments) {
  llvm::Expected<std::string> printed = printBody(region, arguments);
  if (!printed)
    return printed.takeError();
  text += *printed;
  return llvm::Error::success();
}

void ShapePrinter::list(const char *type, const char *name,
                        const char *argument, llvm::ArrayRef<int64_t> values) {
  text += llvm::formatv("  static constexpr {0} {1}(unsigned {2}) {{\n", type,
                        name, argument);
  for (size_t i = 0; i + 1 < values.size(); ++i)
    text += llvm::formatv("    if ({0} == {1})\n      return {2};\n", argument,
                          i, values[i]);
  text += llvm::formatv("    return {0};\n  }\n",
                        values.empty() ? 0 : values.back());
}

} // namespace sinter::cuda
