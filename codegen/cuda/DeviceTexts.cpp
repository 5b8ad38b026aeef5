/// Compiles kernels one by one, so that all processors have work and a change
/// of one leaves what is kept of the others.
#include "codegen/cuda/DeviceTexts.h"

#include "codegen/cuda/CudaSource.h"
#include "codegen/cuda/Resources.h"

#include "llvm/Support/ThreadPool.h"

#include <mutex>

using namespace mlir;

namespace sinter {

namespace {
/// What the threads share: each kernel's code, or why there is none.
struct Results {
  std::mutex mutex;
  std::vector<cuda::DeviceCode> codes;
  std::vector<std::string> errors;
  size_t done = 0;
};
} // namespace

static void compileInto(Results &results, size_t index,
                        const std::string &source, llvm::StringRef target,
                        EmitProgress progress) {
  llvm::Expected<cuda::DeviceCode> code = cuda::compileDevice(source, target);
  std::lock_guard<std::mutex> guard(results.mutex);
  if (code)
    results.codes[index] = std::move(*code);
  else
    results.errors[index] = llvm::toString(code.takeError());
  if (progress)
    progress(++results.done, results.codes.size());
}

static llvm::Expected<std::vector<cuda::DeviceCode>>
compileAll(llvm::ArrayRef<cuda::KernelText> kernels, llvm::StringRef target,
           EmitProgress progress, unsigned threads) {
  Results results;
  results.codes.resize(kernels.size());
  results.errors.resize(kernels.size());
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  for (size_t i = 0; i < kernels.size(); ++i)
    pool.async([&, i] {
      compileInto(results, i, cuda::deviceSource(kernels[i]), target, progress);
    });
  pool.wait();
  for (size_t i = 0; i < kernels.size(); ++i)
    if (!results.errors[i].empty())
      return llvm::createStringError("kernel '%s': %s", kernels[i].name.c_str(),
                                     results.errors[i].c_str());
  return std::move(results.codes);
}

llvm::Expected<std::string> emitDeviceText(ModuleOp module, DeviceText text,
                                           EmitProgress progress,
                                           unsigned threads) {
  auto attribute = module->getAttrOfType<TargetAttr>("sinter.target");
  const CudaTarget *target =
      attribute ? findCudaTarget(std::string_view(attribute.getLevel()))
                : nullptr;
  if (!target)
    return llvm::createStringError("the module's sinter.target is no GPU");
  auto kernels = cuda::printKernels(module);
  if (!kernels)
    return kernels.takeError();
  auto codes = compileAll(*kernels, target->name, progress, threads);
  if (!codes)
    return codes.takeError();
  std::string all;
  std::vector<cuda::KernelResources> resources;
  for (size_t i = 0; i < kernels->size(); ++i) {
    all += (*codes)[i].ptx;
    auto needs = cuda::resourcesOf((*kernels)[i].name, (*codes)[i]);
    if (!needs)
      return needs.takeError();
    resources.push_back(std::move(*needs));
  }
  return text == DeviceText::Ptx ? all
                                 : cuda::resourceTable(resources, *target);
}

} // namespace sinter
