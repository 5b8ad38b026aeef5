/// Emits all tile kernels of a module for x86-64: each by the emitter of its
/// class, in the order of the module.
#include "codegen/Emitter.h"

#include "codegen/x86/LowerKernel.h"
#include "codegen/x86/ObjectCache.h"
#include "codegen/x86/Skeletons.h"
#include "dialects/tile/Experts.h"
#include "dialects/tile/Latent.h"
#include "dialects/tile/Pooling.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/ThreadPool.h"

#include <mutex>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

static llvm::Error emitSkeleton(KernelBuilder &k, KernelOp kernel) {
  return llvm::TypeSwitch<Attribute, llvm::Error>(kernel.getSkeleton())
      .Case<GemmAttr>([&](auto) { return emitGemm(k, kernel); })
      .Case<NormAttr>([&](auto) { return emitNorm(k, kernel); })
      .Case<ElementwiseAttr>([&](auto) { return emitElementwise(k, kernel); })
      .Case<HeadsAttr>([&](auto) { return emitHeads(k, kernel); })
      .Case<AttentionAttr>([&](auto) { return emitAttention(k, kernel); })
      .Case<EmbedAttr>([&](auto) { return emitEmbed(k, kernel); })
      .Case<PoolAttr>([&](auto) { return emitPool(k, kernel); })
      .Case<SoftmaxAttr>([&](auto) { return emitSoftmax(k, kernel); })
      .Case<RouteAttr>([&](auto) { return emitRoute(k, kernel); })
      .Case<GroupAttr>([&](auto) { return emitGroup(k, kernel); })
      .Case<GroupedGemmAttr>([&](auto) { return emitGroupedGemm(k, kernel); })
      .Case<CombineAttr>([&](auto) { return emitCombine(k, kernel); })
      .Case<ScanAttr>([&](auto) { return emitScan(k, kernel); })
      .Case<ConvAttr>([&](auto) { return emitConv(k, kernel); })
      .Case<StateCopyAttr>([&](auto) { return emitStateCopy(k, kernel); })
      .Case<GatedNormAttr>([&](auto) { return emitGatedNorm(k, kernel); })
      .Case<HeadColumnsAttr>([&](auto) { return emitHeadColumns(k, kernel); })
      .Case<HeadGemmAttr>([&](auto) { return emitHeadGemm(k, kernel); })
      .Case<LatentWriteAttr>([&](auto) { return emitLatentWrite(k, kernel); })
      .Case<LatentAttentionAttr>([&](auto) { return emitAttention(k, kernel); })
      .Case<JoinHeadsAttr>([&](auto) { return emitJoinHeads(k, kernel); })
      .Default([](Attribute) {
        return llvm::createStringError("its class has no x86 emitter");
      });
}

/// One kernel as LLVM bitcode.
static llvm::Expected<std::string> emitKernel(KernelOp kernel, const Isa &isa) {
  if (llvm::isa<GemmAttr, GroupedGemmAttr, HeadGemmAttr, CombineAttr,
                ElementwiseAttr>(kernel.getSkeleton()) &&
      !kernel.getConfigAttr())
    return llvm::createStringError("it has no tile configuration");
  OwningOpRef<ModuleOp> module = ModuleOp::create(kernel.getLoc());
  KernelBuilder k(*module, kernel.getSymName(), isa);
  if (llvm::Error error = emitSkeleton(k, kernel))
    return error;
  k.finish();
  return lowerToBitcode(*module);
}

static llvm::Error inKernel(KernelOp kernel, llvm::Error error) {
  return llvm::createStringError("kernel '%s': %s",
                                 kernel.getSymName().str().c_str(),
                                 llvm::toString(std::move(error)).c_str());
}

namespace {
/// What the threads share: each kernel's text, or why there is none.
struct Results {
  std::mutex mutex;
  std::vector<std::string> texts, errors;
  size_t done = 0;
};
} // namespace

/// The object of a kernel that was compiled before, or what LLVM makes of it.
static llvm::Expected<std::string> textOf(const std::string &bitcode,
                                          const Isa &isa, EmitStage stage) {
  if (stage != EmitStage::Binary)
    return compileBitcode(bitcode, isa, stage);
  if (std::optional<std::string> known = readObject(bitcode, isa))
    return std::move(*known);
  llvm::Expected<std::string> object = compileBitcode(bitcode, isa, stage);
  if (object)
    keepObject(bitcode, isa, *object);
  return object;
}

static void compileInto(Results &results, size_t index,
                        const std::string &bitcode, const Isa &isa,
                        EmitStage stage, EmitProgress progress) {
  llvm::Expected<std::string> text = textOf(bitcode, isa, stage);
  std::lock_guard<std::mutex> guard(results.mutex);
  if (text)
    results.texts[index] = std::move(*text);
  else
    results.errors[index] = llvm::toString(text.takeError());
  if (progress)
    progress(++results.done, results.texts.size());
}

/// All kernels' texts, in order: MLIR's half here, LLVM's on a pool, at once.
static llvm::Error emitAll(llvm::ArrayRef<KernelOp> kernels, const Isa &isa,
                           EmitStage stage, EmitProgress progress,
                           unsigned threads, std::vector<std::string> &texts) {
  Results results;
  results.texts.resize(kernels.size());
  results.errors.resize(kernels.size());
  llvm::DefaultThreadPool pool(llvm::hardware_concurrency(threads));
  for (auto [index, kernel] : llvm::enumerate(kernels)) {
    llvm::Expected<std::string> bitcode = emitKernel(kernel, isa);
    if (!bitcode) {
      pool.wait();
      return inKernel(kernel, bitcode.takeError());
    }
    pool.async([&, index = index, bitcode = std::move(*bitcode)] {
      compileInto(results, index, bitcode, isa, stage, progress);
    });
  }
  pool.wait();
  for (auto [kernel, error] : llvm::zip(kernels, results.errors))
    if (!error.empty())
      return inKernel(kernel, llvm::createStringError("%s", error.c_str()));
  texts = std::move(results.texts);
  return llvm::Error::success();
}

llvm::Expected<std::string> sinter::emitX86(ModuleOp module, EmitStage stage,
                                            EmitProgress progress,
                                            unsigned threads) {
  auto target = module->getAttrOfType<TargetAttr>("sinter.target");
  if (!target)
    return llvm::createStringError("the module has no sinter.target");
  llvm::Expected<Isa> isa = Isa::of(target);
  if (!isa)
    return isa.takeError();
  prepareContext(*module.getContext());
  SmallVector<KernelOp> kernels(module.getOps<KernelOp>());
  std::vector<std::string> texts;
  if (llvm::Error error =
          emitAll(kernels, *isa, stage, progress, threads, texts))
    return error;
  if (stage == EmitStage::Binary)
    return linkShared(texts);
  std::string text;
  for (const std::string &part : texts)
    text += part;
  return text;
}
