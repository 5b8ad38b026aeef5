/// Prints the members of the type that a skeleton is given.
#ifndef SINTER_CODEGEN_CUDA_SHAPEPRINTER_H
#define SINTER_CODEGEN_CUDA_SHAPEPRINTER_H

#include "codegen/cuda/KernelText.h"

namespace sinter::cuda {

/// The members of a shape, one a line.
class ShapePrinter {
public:
  explicit ShapePrinter(KernelText &kernel)
      : kernel(kernel), text(kernel.shape) {}

  void number(const char *name, uint64_t value);
  void flag(const char *name, bool value);
  /// Floating-point members are functions: a device has no such constants.
  void real(const char *name, double value);
  void real(const char *name, mlir::FloatAttr value); ///< null: 0
  /// A value of an enumeration of the prelude.
  void choice(const char *type, const char *name, llvm::StringRef value);
  void row(const char *name, tile::RowAttr row);
  void cache(unsigned heads, unsigned keyWidth, unsigned valueWidth,
             unsigned pageTokens, mlir::Type element, bool ring);
  /// Format, and the bytes of a row group of rows of `width`. One format to a
  /// kernel.
  llvm::Error format(llvm::StringRef name, unsigned width);
  llvm::Error body(mlir::Region &region, unsigned arguments);
  /// A function of an unsigned `argument` that lists its values.
  void list(const char *type, const char *name, const char *argument,
            llvm::ArrayRef<int64_t> values);

private:
  KernelText &kernel;
  std::string &text;
};

} // namespace sinter::cuda

#endif // SINTER_CODEGEN_CUDA_SHAPEPRINTER_H
