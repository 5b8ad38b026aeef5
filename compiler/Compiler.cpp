/// Runs the pipeline stage by stage and writes what was asked for: the only
/// place that knows frontend, passes, codegen and artifact.
#include "compiler/Compiler.h"

#include "codegen/Emitter.h"
#include "codegen/cuda/DeviceTexts.h"
#include "compiler/Failure.h"
#include "compiler/HostTarget.h"
#include "compiler/MachineRates.h"
#include "compiler/Manifest.h"
#include "compiler/Pipeline.h"
#include "compiler/PlanBytes.h"
#include "compiler/TextOutput.h"
#include "compiler/TunedTiles.h"
#include "compiler/WeightSection.h"
#include "runtime/ArtifactBytes.h"
#include "runtime/Tokenizer.h"

#include "mlir/Pass/Pass.h"
#include "mlir/Pass/PassInstrumentation.h"
#include "mlir/Pass/PassManager.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Threading.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TargetParser/Host.h"

using namespace mlir;

namespace sinter {

namespace {

/// Tells progress and diagnostics which pass runs.
struct PassWatcher : PassInstrumentation {
  PassWatcher(Progress &progress, Diagnostics &diagnostics)
      : progress(progress), diagnostics(diagnostics) {}

  void runBeforePass(Pass *pass, Operation *) override {
    StringRef name = pass->getArgument();
    if (!name.consume_front("sinter-"))
      return;
    progress.pass(name);
    diagnostics.setPass(name);
  }

  Progress &progress;
  Diagnostics &diagnostics;
};

/// One compilation.
class Compilation {
public:
  Compilation(const CompileOptions &options, Progress &progress)
      : options(options), progress(progress),
        diagnostics(context, options.remarks) {
    // Nobody reads the op behind a remark, and printing it takes long.
    context.printOpOnDiagnostic(false);
  }

  llvm::Error import(const std::string &path);
  /// Fails if `output` is one of the model's own files, under any name.
  llvm::Error refuseInput(const std::string &output) const;
  /// All stages up to the one that `options.emit` needs.
  llvm::Error runStages();
  llvm::Error write(const std::string &output);

  CompileResult result;

private:
  void useMachine();
  llvm::Error runStage(Stage stage);
  llvm::Error writeText(const std::string &output);
  llvm::Error writeArtifact(const std::string &output);
  llvm::Expected<std::string> emitKernels(EmitStage stage);
  llvm::Expected<std::string> emitGpuText();
  llvm::Error fillWeights(ArtifactBuilder &artifact);

  CompileOptions options; ///< with the chunk that the model asks for
  Progress &progress;
  MLIRContext context;
  Diagnostics diagnostics;
  ImportedModel model;
  TargetAttr target;
};

} // namespace

static llvm::Error toError(const Status &status) {
  return status.ok() ? llvm::Error::success() : failureOf(status.message());
}

/// Whether the runtime makes a tokenizer of a serialized vocabulary, asked now
/// and not when somebody runs the model. A model without one is sound too.
static Status checkTokenizer(const std::string &vocabulary) {
  Result<Vocabulary> parsed = parse(std::as_bytes(std::span(vocabulary)));
  if (!parsed.ok())
    return parsed.status();
  if (parsed->model == "no_vocab")
    return {};
  return Tokenizer::create(std::move(*parsed)).status();
}

/// Tokens of the largest step, if nobody says it: where all of a text is in one
/// step, the longest text within reason.
static unsigned usualChunk(ModuleOp module) {
  constexpr unsigned kUsual = 512, kMost = 8192;
  auto result = module->getAttrOfType<ResultAttr>("sinter.result");
  if (!result || !result.getWhole())
    return kUsual;
  auto model = module->getAttrOfType<ModelAttr>("sinter.model");
  return std::clamp(model.getTrainedContext(), 16u, kMost);
}

llvm::Error Compilation::import(const std::string &path) {
  progress.pass("import");
  llvm::Expected<TargetAttr> named = targetNamed(options.target, context);
  if (!named)
    return named.takeError();
  target = *named;
  ImportOptions importing;
  importing.kvElement = options.kvF32 ? KvElement::F32 : KvElement::F16;
  importing.pooling = options.pooling;
  llvm::Expected<ImportedModel> imported = importGguf(path, importing, context);
  if (!imported)
    return imported.takeError();
  model = std::move(*imported);
  (*model.module)->setAttr("sinter.target", target);
  if (!options.chunk)
    options.chunk = usualChunk(*model.module);
  result.model = model.info;
  result.warnings = model.warnings;
  // Not an error: logits and speed of token ids can still be measured.
  if (Status status = checkTokenizer(model.vocabulary); !status.ok())
    result.warnings.push_back("the compiled model will take token ids only: " +
                              status.message());
  useMachine();
  return llvm::Error::success();
}

/// Rates for predictions, typical or measured, and tuned tiles.
void Compilation::useMachine() {
  TunedTable table;
  if (options.tunedTiles) {
    if (auto read = readTunedTable(tunedTablePath()))
      table = std::move(*read);
    else
      result.warnings.push_back(llvm::toString(read.takeError()) +
                                "; it is ignored");
  }
  for (const std::string &wrong :
       attachTunedTiles(*model.module, options.tiles, table))
    result.warnings.push_back(wrong);
  bool native = options.target == "native";
  CostModel &machine = result.report.machine;
  machine.rates =
      typicalRates(target, native ? llvm::sys::getHostCPUName() : StringRef());
  if (native && table.rates)
    machine.rates = measuredRates(machine.rates, *table.rates);
  machine.lastCache = target.getL3();
  llvm::raw_string_ostream(result.target) << target;
}

llvm::Error Compilation::refuseInput(const std::string &output) const {
  if (output.empty())
    return llvm::Error::success();
  for (const GgufFile &part : model.file->files())
    if (bool same = false;
        !llvm::sys::fs::equivalent(part.name(), output, same) && same)
      return failureOf("cannot write '" + output +
                       "': it is a file of the model");
  return llvm::Error::success();
}

llvm::Error Compilation::runStage(Stage stage) {
  PassManager passes(&context);
  addStage(passes, stage, options, /*fusionRemarks=*/true);
  passes.addInstrumentation(
      std::make_unique<PassWatcher>(progress, diagnostics));
  if (mlir::failed(passes.run(*model.module)))
    return failureOf(diagnostics.errors());
  return llvm::Error::success();
}

/// The last stage that an output needs.
static Stage lastStage(Emit emit) {
  switch (emit) {
  case Emit::Graph:
    return Stage::Graph;
  case Emit::Tile:
  case Emit::Llvm:
  case Emit::Assembly:
  case Emit::Cuda:
  case Emit::Ptx:
  case Emit::Resources:
    return Stage::Tile;
  case Emit::Plan:
  case Emit::Artifact:
    return Stage::Plan;
  }
  llvm_unreachable("every output has a stage");
}

llvm::Error Compilation::runStages() {
  Stage last = lastStage(options.emit);
  if (llvm::Error error = runStage(Stage::Graph))
    return error;
  result.report.readGraph(*model.module, options);
  result.report.events = diagnostics.events();
  if (last == Stage::Graph)
    return llvm::Error::success();
  if (llvm::Error error = runStage(Stage::Tile))
    return error;
  result.report.readTiles(*model.module);
  if (last == Stage::Tile)
    return llvm::Error::success();
  if (llvm::Error error = runStage(Stage::Plan))
    return error;
  return result.report.readPlan(*model.module);
}

llvm::Expected<std::string> Compilation::emitKernels(EmitStage stage) {
  if (isGpu(target)) {
    if (stage != EmitStage::Binary)
      return failureOf("target '" + target.getLevel() +
                       "' is a GPU, whose kernels are CUDA C++: --emit=cuda");
    return emitCuda(*model.module);
  }
  auto report = [&](size_t done, size_t all) { progress.kernels(done, all); };
  return emitX86(*model.module, stage, report, options.threads);
}

llvm::Expected<std::string> Compilation::emitGpuText() {
  if (!isGpu(target))
    return failureOf("only a GPU has such kernels, and the target is '" +
                     target.getLevel() + "'");
  if (options.emit == Emit::Cuda)
    return emitCuda(*model.module);
  auto report = [&](size_t done, size_t all) { progress.kernels(done, all); };
  return emitDeviceText(*model.module,
                        options.emit == Emit::Ptx ? DeviceText::Ptx
                                                  : DeviceText::Resources,
                        report, options.threads);
}

llvm::Error Compilation::writeText(const std::string &output) {
  std::string text;
  if (options.emit == Emit::Llvm || options.emit == Emit::Assembly) {
    auto emitted = emitKernels(
        options.emit == Emit::Llvm ? EmitStage::Llvm : EmitStage::Assembly);
    if (!emitted)
      return emitted.takeError();
    text = std::move(*emitted);
  } else if (options.emit == Emit::Cuda || options.emit == Emit::Ptx ||
             options.emit == Emit::Resources) {
    auto emitted = emitGpuText();
    if (!emitted)
      return emitted.takeError();
    text = std::move(*emitted);
  } else {
    llvm::raw_string_ostream stream(text);
    model.module->print(stream);
  }
  progress.clear();
  return writeTextFile(output, text);
}

llvm::Error Compilation::fillWeights(ArtifactBuilder &artifact) {
  uint64_t bytes = weightSectionBytes(*model.module);
  auto section = artifact.reserveSection(SectionKind::Weights, bytes);
  if (!section.ok())
    return toError(section.status());
  unsigned threads = options.threads
                         ? options.threads
                         : llvm::hardware_concurrency().compute_thread_count();
  return fillWeightSection(*model.module, *model.file, *section, threads,
                           [&](uint64_t done) { progress.bytes(done, bytes); });
}

llvm::Error Compilation::writeArtifact(const std::string &output) {
  llvm::Expected<std::string> kernels = emitKernels(EmitStage::Binary);
  if (!kernels)
    return kernels.takeError();
  llvm::Expected<std::vector<std::byte>> plan = planBytes(*model.module);
  if (!plan)
    return plan.takeError();
  auto artifact = ArtifactBuilder::create(output);
  if (!artifact.ok())
    return toError(artifact.status());
  std::string manifest = manifestJson(model.info, *model.module, options,
                                      result.report.tunedTiles());
  for (Status status :
       {artifact->addSection(SectionKind::Manifest, manifest),
        artifact->addSection(SectionKind::Vocabulary, model.vocabulary),
        artifact->addSection(SectionKind::Plan, *plan),
        artifact->addSection(SectionKind::Kernels, *kernels),
        artifact->addSection(SectionKind::Report, result.report.json())})
    if (!status.ok())
      return toError(status);
  if (llvm::Error error = fillWeights(*artifact))
    return error;
  return toError(artifact->finish());
}

llvm::Error Compilation::write(const std::string &output) {
  llvm::Error error = options.emit == Emit::Artifact ? writeArtifact(output)
                                                     : writeText(output);
  progress.clear();
  result.remarks = diagnostics.remarks();
  return error;
}

llvm::Expected<CompileResult> compileModel(const std::string &path,
                                           const std::string &output,
                                           const CompileOptions &options,
                                           Progress &progress) {
  if (llvm::Error error = checkNames(options))
    return error;
  if (options.chunk == 1 || options.chunk > 65536)
    return failureOf(llvm::formatv("--chunk is {0}, expected 2 to 65536 tokens",
                                   options.chunk));
  Compilation compilation(options, progress);
  if (llvm::Error error = compilation.import(path))
    return error;
  for (const std::string &written : {output, options.report})
    if (llvm::Error error = compilation.refuseInput(written))
      return error;
  if (llvm::Error error = compilation.runStages())
    return error;
  if (llvm::Error error = compilation.write(output))
    return error;
  if (!options.report.empty())
    if (llvm::Error error =
            writeTextFile(options.report, compilation.result.report.json()))
      return error;
  return std::move(compilation.result);
}

} // namespace sinter
