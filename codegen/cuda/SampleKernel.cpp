/// Prints the kernel of prelude/Sample.cuh for a model's vocabulary.
#include "codegen/cuda/SampleKernel.h"

#include "codegen/cuda/CudaTarget.h"
#include "codegen/cuda/ShapePrinter.h"
#include "dialects/sinter/Sinter.h"
#include "runtime/ArtifactFormat.h"

using namespace mlir;

namespace sinter {

/// A block has room for the weights of a run of 2048 tokens, of which there are
/// 1024.
static constexpr unsigned kMostTokens = 2048 * 1024;

std::optional<cuda::KernelText> cuda::sampleKernel(ModuleOp module) {
  auto target = module->getAttrOfType<TargetAttr>("sinter.target");
  auto model = module->getAttrOfType<ModelAttr>("sinter.model");
  if (!target || !model || module->hasAttr("sinter.result") ||
      !findCudaTarget(std::string_view(target.getLevel())) ||
      model.getVocabulary() == 0 || model.getVocabulary() > kMostTokens)
    return std::nullopt;
  KernelText kernel;
  kernel.name = kSampleKernel;
  kernel.threads = "kSampleThreads";
  kernel.skeleton = "sample";
  kernel.operands = 3;
  kernel.enoughBlocks = 1; // there are few rows
  kernel.items = "ItemDimension::Rows, 1, 1";
  ShapePrinter(kernel).number("vocabulary", model.getVocabulary());
  return kernel;
}

} // namespace sinter
