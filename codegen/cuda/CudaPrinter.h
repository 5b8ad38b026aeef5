/// What a skeleton class has for GPUs: one file each in printers/, from which
/// the build makes the list.
#ifndef SINTER_CODEGEN_CUDA_CUDAPRINTER_H
#define SINTER_CODEGEN_CUDA_CUDAPRINTER_H

#include "codegen/cuda/ShapePrinter.h"

namespace sinter {

struct CudaPrinter {
  /// Whether this is the printer of the class.
  bool (*takes)(mlir::Attribute skeleton);
  /// Sets everything but the name. Errors say what the kernel asks for that
  /// the skeleton cannot do.
  llvm::Error (*print)(cuda::KernelText &text, tile::KernelOp kernel);
  /// Whether kernels of the class have a tile configuration.
  bool configured;
};

template <typename Class,
          llvm::Error (*print)(cuda::KernelText &, Class, tile::KernelOp)>
constexpr CudaPrinter printerOf(bool configured = false) {
  return {[](mlir::Attribute skeleton) { return llvm::isa<Class>(skeleton); },
          [](cuda::KernelText &text, tile::KernelOp kernel) {
            return print(text, llvm::cast<Class>(kernel.getSkeleton()), kernel);
          },
          configured};
}

} // namespace sinter

#endif // SINTER_CODEGEN_CUDA_CUDAPRINTER_H
