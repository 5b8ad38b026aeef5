/// Emits all tile kernels of a module as CUDA C++.
#include "codegen/Emitter.h"

#include "codegen/cuda/CudaSource.h"
#include "codegen/cuda/SampleKernel.h"
#include "dialects/sinter/Sinter.h"

#include <optional>

using namespace mlir;

namespace sinter {

/// All kernels of a step begin early, or none: each relies on those before it.
static bool beginEarly(ModuleOp module) {
  auto target = module->getAttrOfType<TargetAttr>("sinter.target");
  return target && target.hasFeature("early");
}

llvm::Expected<std::vector<cuda::KernelText>>
cuda::printKernels(ModuleOp module) {
  std::vector<KernelText> kernels;
  for (auto kernel : module.getOps<tile::KernelOp>()) {
    llvm::Expected<KernelText> text = printKernel(kernel);
    if (!text)
      return llvm::createStringError("kernel '%s': %s",
                                     kernel.getSymName().str().c_str(),
                                     llvm::toString(text.takeError()).c_str());
    kernels.push_back(std::move(*text));
  }
  if (std::optional<KernelText> sample = sampleKernel(module))
    kernels.push_back(std::move(*sample));
  for (KernelText &kernel : kernels)
    kernel.early = beginEarly(module);
  return kernels;
}

llvm::Expected<std::string> emitCuda(ModuleOp module) {
  auto kernels = cuda::printKernels(module);
  if (!kernels)
    return kernels.takeError();
  return cuda::portableSource(*kernels);
}

} // namespace sinter
