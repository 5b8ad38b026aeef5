/// Puts the words of all kernels together.
#include "codegen/cuda/DeviceTexts.h"

#include "codegen/cuda/CompileKernels.h"

using namespace mlir;

namespace sinter {

llvm::Expected<std::string> emitDeviceText(ModuleOp module, DeviceText text,
                                           EmitProgress progress,
                                           unsigned threads) {
  auto compiled = cuda::compileKernels(module, false, progress, threads);
  if (!compiled)
    return compiled.takeError();
  std::string ptx;
  std::vector<cuda::KernelResources> needs;
  for (const cuda::CompiledKernel &kernel : compiled->kernels) {
    ptx += kernel.code.ptx;
    needs.push_back(kernel.needs);
  }
  return text == DeviceText::Ptx
             ? ptx
             : cuda::resourceTable(needs, *compiled->target);
}

} // namespace sinter
