/// Finds the printer of a kernel's class in the list that the build makes of
/// printers/.
#include "codegen/cuda/CudaPrinter.h"

#include "dialects/tile/Skeleton.h"

#include "llvm/Support/FormatVariadic.h"

#include <optional>

#include "codegen/cuda/CudaPrinterList.h"

using namespace sinter;

static std::string itemsOf(mlir::Attribute skeleton, tile::ConfigAttr config) {
  const tile::ItemShape shape =
      llvm::cast<tile::Skeleton>(skeleton).itemShape(config.tiling());
  llvm::StringRef dimension = shape.items == "one"      ? "One"
                              : shape.items == "tokens" ? "Tokens"
                                                        : "Rows";
  return llvm::formatv("ItemDimension::{0}, {1}, {2}", dimension, shape.count,
                       shape.tile);
}

llvm::Expected<cuda::KernelText> cuda::printKernel(tile::KernelOp kernel) {
  for (const CudaPrinter *printer : kCudaPrinterList) {
    if (!printer->takes(kernel.getSkeleton()))
      continue;
    if (printer->configured && !kernel.getConfigAttr())
      return llvm::createStringError("it has no tile configuration");
    KernelText text;
    text.name = kernel.getSymName().str();
    if (llvm::Error error = printer->print(text, kernel))
      return error;
    if (std::optional<tile::ConfigAttr> config = kernel.getConfig())
      text.items = itemsOf(kernel.getSkeleton(), *config);
    return text;
  }
  return llvm::createStringError("its class has no CUDA skeleton");
}
