/// Finds the printer of a kernel's class in the list that the build makes of
/// printers/.
#include "codegen/cuda/CudaPrinter.h"

#include "codegen/cuda/CudaPrinterList.h"

using namespace sinter;

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
    return text;
  }
  return llvm::createStringError("its class has no CUDA skeleton");
}
