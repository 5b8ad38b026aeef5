/// Compiles kernels one by one, so that all processors have work and a change
/// of one leaves what is kept of the others.
#include "codegen/cuda/CompileKernels.h"

#include "codegen/cuda/CudaSource.h"
#include "dialects/sinter/Sinter.h"

#include "llvm/Support/ThreadPool.h"

#include <cctype>
#include <functional>
#include <mutex>

using namespace mlir;

namespace sinter {

namespace {
/// What the threads share.
struct Work {
  std::mutex mutex;
  EmitProgress progress;
  size_t done = 0, all = 0;
};
} // namespace

unsigned cuda::capabilityOf(const CudaTarget &target) {
  unsigned number = 0;
  llvm::StringRef(target.name).drop_front(3).consumeInteger(10, number);
  return number;
}

bool cuda::isExact(const CudaTarget &target) {
  return std::isalpha(static_cast<unsigned char>(target.name.back()));
}

/// The code of one kernel as its text is, and what it needs.
static std::string compileText(cuda::CompiledKernel &kernel,
                               const CudaTarget &target) {
  llvm::Expected<cuda::DeviceCode> code =
      cuda::compileDevice(cuda::deviceSource(kernel.text), target.name);
  if (!code)
    return llvm::toString(code.takeError());
  kernel.code = std::move(*code);
  auto needs = cuda::resourcesOf(kernel.text, kernel.code);
  if (!needs)
    return llvm::toString(needs.takeError());
  kernel.needs = std::move(*needs);
  return "";
}

/// The same of a kernel that may take what it would have to spill: the
/// registers of a second resident block.
static std::string compileOne(cuda::CompiledKernel &kernel,
                              const CudaTarget &target) {
  std::string problem = compileText(kernel, target);
  if (!problem.empty() || !kernel.needs.spills ||
      kernel.text.enoughBlocks <= 1)
    return problem;
  kernel.text.enoughBlocks = 1;
  return compileText(kernel, target);
}

static std::string compileLater(cuda::CompiledKernel &kernel,
                                const CudaTarget &target) {
  llvm::Expected<cuda::DeviceCode> code = cuda::compileDevice(
      cuda::deviceSource(kernel.text),
      "compute_" + std::to_string(cuda::capabilityOf(target)));
  if (!code)
    return llvm::toString(code.takeError());
  kernel.later = std::move(code->ptx);
  return "";
}

/// Does `one` for all kernels; what went wrong with each.
static std::vector<std::string>
forAll(std::vector<cuda::CompiledKernel> &kernels, Work &work, unsigned threads,
       llvm::function_ref<std::string(cuda::CompiledKernel &)> one) {
  std::vector<std::string> problems(kernels.size());
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  for (size_t i = 0; i < kernels.size(); ++i)
    pool.async([&, i] {
      std::string problem = one(kernels[i]);
      std::lock_guard<std::mutex> guard(work.mutex);
      problems[i] = std::move(problem);
      if (work.progress)
        work.progress(++work.done, work.all);
    });
  pool.wait();
  return problems;
}

static const CudaTarget *targetOf(ModuleOp module) {
  auto attribute = module->getAttrOfType<TargetAttr>("sinter.target");
  return attribute ? findCudaTarget(std::string_view(attribute.getLevel()))
                   : nullptr;
}

llvm::Expected<cuda::CompiledModule> cuda::compileKernels(ModuleOp module,
                                                          bool later,
                                                          EmitProgress progress,
                                                          unsigned threads) {
  CompiledModule compiled;
  compiled.target = targetOf(module);
  if (!compiled.target)
    return llvm::createStringError("the module's sinter.target is no GPU");
  auto texts = printKernels(module);
  if (!texts)
    return texts.takeError();
  for (KernelText &text : *texts)
    compiled.kernels.emplace_back().text = std::move(text);
  const CudaTarget &target = *compiled.target;
  Work work;
  work.progress = progress;
  work.all = compiled.kernels.size() * (later ? 2 : 1);
  auto problems =
      forAll(compiled.kernels, work, threads, [&](CompiledKernel &kernel) {
        return compileOne(kernel, target);
      });
  for (size_t i = 0; i < problems.size(); ++i)
    if (!problems[i].empty())
      return llvm::createStringError("kernel '%s': %s",
                                     compiled.kernels[i].text.name.c_str(),
                                     problems[i].c_str());
  if (!later)
    return compiled;
  problems =
      forAll(compiled.kernels, work, threads, [&](CompiledKernel &kernel) {
        return compileLater(kernel, target);
      });
  // All kernels or none: a later GPU cannot run half a model.
  for (size_t i = 0; i < problems.size() && compiled.noLater.empty(); ++i)
    if (!problems[i].empty())
      compiled.noLater =
          "kernel '" + compiled.kernels[i].text.name + "': " + problems[i];
  if (!compiled.noLater.empty())
    for (CompiledKernel &kernel : compiled.kernels)
      kernel.later.clear();
  return compiled;
}

} // namespace sinter
