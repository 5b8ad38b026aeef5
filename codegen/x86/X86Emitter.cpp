/// Emits all tile kernels of a module for x86-64: each kernel by the emitter of
/// its class, on several threads, in the order of the module.
#include "codegen/Emitter.h"

#include "codegen/x86/LowerKernel.h"
#include "codegen/x86/Skeletons.h"

#include "mlir/Parser/Parser.h"
#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/ThreadPool.h"

#include <mutex>
#include <optional>

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
      .Default([](Attribute) {
        return llvm::createStringError("its class has no x86 emitter");
      });
}

/// One kernel, from its text to LLVM IR, assembly or an object. Each has an
/// MLIR context of its own: pass managers on several threads may not share one.
static llvm::Expected<std::string> emitKernel(const std::string &text,
                                              const Isa &isa,
                                              EmitStage stage) {
  MLIRContext context(MLIRContext::Threading::DISABLED);
  context.loadDialect<SinterDialect, TileDialect>();
  prepareContext(context);
  auto source = parseSourceString<ModuleOp>(text, &context);
  if (!source)
    return llvm::createStringError("its text does not parse");
  KernelOp kernel = *source->getOps<KernelOp>().begin();
  if (llvm::isa<GemmAttr, ElementwiseAttr>(kernel.getSkeleton()) &&
      !kernel.getConfigAttr())
    return llvm::createStringError("it has no tile configuration");
  OwningOpRef<ModuleOp> module = ModuleOp::create(kernel.getLoc());
  KernelBuilder k(*module, kernel.getSymName(), isa);
  if (llvm::Error error = emitSkeleton(k, kernel))
    return error;
  k.finish();
  return lowerKernel(*module, isa, stage);
}

static std::string textOf(KernelOp kernel) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  kernel->print(stream, OpPrintingFlags().printGenericOpForm());
  return text;
}

namespace {
/// What the threads share.
struct Results {
  std::mutex mutex;
  std::vector<std::string> texts;
  std::optional<std::string> error; ///< of the first kernel that failed
  size_t errorAt = 0, done = 0;
};
} // namespace

static void emitInto(Results &results, size_t index, StringRef name,
                     const std::string &source, const Isa &isa,
                     EmitStage stage, EmitProgress progress) {
  llvm::Expected<std::string> text = emitKernel(source, isa, stage);
  std::lock_guard<std::mutex> guard(results.mutex);
  if (text) {
    results.texts[index] = std::move(*text);
  } else {
    std::string message = "kernel '" + name.str() + "': " + llvm::toString(text.takeError());
    if (!results.error || index < results.errorAt) {
      results.error = std::move(message);
      results.errorAt = index;
    }
  }
  if (progress)
    progress(++results.done, results.texts.size());
}

llvm::Expected<std::string> sinter::emitX86(ModuleOp module, EmitStage stage,
                                            EmitProgress progress) {
  auto target = module->getAttrOfType<TargetAttr>("sinter.target");
  if (!target)
    return llvm::createStringError("the module has no sinter.target");
  llvm::Expected<Isa> isa = Isa::of(target);
  if (!isa)
    return isa.takeError();
  SmallVector<KernelOp> kernels(module.getOps<KernelOp>());
  Results results;
  results.texts.resize(kernels.size());
  {
    llvm::DefaultThreadPool pool(llvm::hardware_concurrency());
    for (auto [index, kernel] : llvm::enumerate(kernels))
      pool.async([&, index = index, name = kernel.getSymName(),
                  source = textOf(kernel)] {
        emitInto(results, index, name, source, *isa, stage, progress);
      });
    pool.wait();
  }
  if (results.error)
    return llvm::createStringError("%s", results.error->c_str());
  if (stage == EmitStage::Binary)
    return linkShared(results.texts);
  std::string text;
  for (const std::string &part : results.texts)
    text += part;
  return text;
}
