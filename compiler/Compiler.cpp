/// Runs the pipeline stage by stage and writes what was asked for: the only
/// place that knows frontend, passes, codegen and artifact.
#include "compiler/Compiler.h"

#include "codegen/Emitter.h"
#include "codegen/cuda/CompileKernels.h"
#include "codegen/cuda/DeviceTexts.h"
#include "compiler/DeviceSection.h"
#include "compiler/Failure.h"
#include "compiler/HostTarget.h"
#include "compiler/MachineRates.h"
#include "compiler/Manifest.h"
#include "compiler/Pipeline.h"
#include "compiler/PlanBytes.h"
#include "compiler/SharedWeights.h"
#include "compiler/TextOutput.h"
#include "compiler/TunedTiles.h"
#include "compiler/WeightSection.h"
#include "dialects/sinter/RecurrentOps.h"
#include "dialects/sinter/Sinter.h"
#include "dialects/tile/Float4.h"
#include "dialects/tile/Skeleton.h"
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

#include <cstddef>
#include <functional>
#include <span>

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
        diagnostics(context, options.remarks),
        progressOfKernels([this](size_t done, size_t all) {
          this->progress.kernels(done, all);
        }) {
    // Nobody reads the op behind a remark, and printing it takes long.
    context.printOpOnDiagnostic(false);
  }

  llvm::Error import(const std::string &path);
  /// Gives each target its copy of the model.
  llvm::Error addTargets();
  /// Fails if `output` is one of the model's own files, under any name.
  llvm::Error refuseInput(const std::string &output) const;
  /// All stages up to the one that `options.emit` needs.
  llvm::Error runStages();
  llvm::Error write(const std::string &output);

  CompileResult result;

private:
  /// What is made for one target; its report is in the result.
  struct Part {
    TargetAttr target;
    OwningOpRef<ModuleOp> module;
  };

  Report &reportOf(size_t part) { return result.targets[part].report; }
  llvm::Error checkFloat4();
  llvm::Error checkScan();
  void readMachine();
  void useMachine(size_t part);
  llvm::Error runStage(ModuleOp module, Stage stage);
  llvm::Error runStages(size_t part);
  llvm::Error writeText(const std::string &output);
  llvm::Error writeArtifact(const std::string &output);
  llvm::Error writeTarget(ArtifactBuilder &artifact, size_t part);
  llvm::Error writeDeviceCode(ArtifactBuilder &artifact, size_t part,
                              std::span<const std::byte> plan);
  llvm::Expected<std::string> emitKernels(const Part &part, EmitStage stage);
  llvm::Expected<std::string> emitGpuText(const Part &part);
  llvm::Error fillWeights(ArtifactBuilder &artifact);
  bool hasNewestGpu(size_t part) const;

  CompileOptions options; ///< with the chunk that the model asks for
  Progress &progress;
  MLIRContext context;
  Diagnostics diagnostics;
  ImportedModel model;
  std::vector<Part> parts;
  TunedTable tuned;
  SharedWeights weights;
  std::function<void(size_t, size_t)> progressOfKernels;
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
  for (const std::string &name : options.targets) {
    llvm::Expected<TargetAttr> named = targetNamed(name, context);
    if (!named)
      return named.takeError();
    for (const Part &other : parts)
      if (other.target.getLevel() == named->getLevel())
        return failureOf("--target names '" + named->getLevel() + "' twice");
    parts.push_back({*named, {}});
  }
  ImportOptions importing;
  importing.kvElement =
      options.kvCache == "f32" ? KvElement::F32 : KvElement::F16;
  importing.pooling = options.pooling;
  llvm::Expected<ImportedModel> imported = importGguf(path, importing, context);
  if (!imported)
    return imported.takeError();
  model = std::move(*imported);
  if (!options.chunk)
    options.chunk = usualChunk(*model.module);
  result.model = model.info;
  result.warnings = model.warnings;
  // Not an error: logits and speed of token ids can still be measured.
  if (Status status = checkTokenizer(model.vocabulary); !status.ok())
    result.warnings.push_back("the compiled model will take token ids only: " +
                              status.message());
  return llvm::Error::success();
}

llvm::Error Compilation::addTargets() {
  if (parts.empty() || parts.size() > kMaxTargets)
    return failureOf(llvm::formatv("{0} targets, expected 1 to {1}",
                                   parts.size(), kMaxTargets));
  if (parts.size() > 1 && options.emit != Emit::Artifact)
    return failureOf("several targets make one artifact; --emit prints what "
                     "is made for one");
  if (llvm::Error error = checkFloat4())
    return error;
  if (llvm::Error error = checkScan())
    return error;
  readMachine();
  result.targets.resize(parts.size());
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i].module = model.module->clone();
    (*parts[i].module)->setAttr("sinter.target", parts[i].target);
    result.targets[i].name = parts[i].target.getLevel().str();
    useMachine(i);
  }
  return llvm::Error::success();
}

/// 4-bit activations need a target and matrices that can be multiplied so.
llvm::Error Compilation::checkFloat4() {
  if (!options.float4)
    return llvm::Error::success();
  if (llvm::none_of(parts, [](const Part &part) {
        return part.target.hasFeature("fp4");
      }))
    return failureOf("--activations fp4: '" + parts.front().target.getLevel() +
                     "' has no matrix units for 4-bit floats; sm_120a and "
                     "sm_121a have");
  auto weights = model.module->getOps<WeightOp>();
  if (llvm::none_of(weights, [](WeightOp weight) {
        auto type = cast<RankedTensorType>(weight.getType());
        return float4Of(*formatOf(type.getElementType())) != 0;
      }))
    result.warnings.push_back("--activations fp4 changes nothing: the model "
                              "has no MXFP4 or NVFP4 matrices");
  return llvm::Error::success();
}

/// Scans in chunks need a target and heads that can be multiplied so.
llvm::Error Compilation::checkScan() {
  if (!options.chunkedScan)
    return llvm::Error::success();
  if (llvm::none_of(parts, [](const Part &part) {
        return part.target.hasFeature("mma");
      }))
    return failureOf("--scan chunked: '" + parts.front().target.getLevel() +
                     "' has no matrix units for it; GPUs from sm_80 on have");
  bool some = false;
  model.module->walk([&](GatedDeltaNetOp net) {
    some |= tile::scansInChunks(net.keyWidth(), net.valueWidth());
  });
  if (!some)
    result.warnings.push_back(
        "--scan chunked changes nothing: the model has no gated delta nets "
        "whose heads are multiples of 16 by 8 and at most 128 wide");
  return llvm::Error::success();
}

/// What was tuned and measured on this machine, unless it is not wanted.
void Compilation::readMachine() {
  if (!options.tunedTiles)
    return;
  if (auto read = readTunedTable(tunedTablePath()))
    tuned = std::move(*read);
  else
    result.warnings.push_back(llvm::toString(read.takeError()) +
                              "; it is ignored");
}

/// Rates for predictions, typical or measured, and tuned tiles.
void Compilation::useMachine(size_t index) {
  Part &part = parts[index];
  for (const std::string &wrong :
       attachTunedTiles(*part.module, options.tiles, tuned))
    result.warnings.push_back(wrong);
  bool native = options.targets[index] == "native";
  CostModel &machine = reportOf(index).machine;
  machine.rates = typicalRates(part.target, native ? llvm::sys::getHostCPUName()
                                                   : StringRef());
  if (native && tuned.rates)
    machine.rates = measuredRates(machine.rates, *tuned.rates);
  machine.lastCache = part.target.getL3();
  llvm::raw_string_ostream(result.targets[index].facts) << part.target;
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

llvm::Error Compilation::runStage(ModuleOp module, Stage stage) {
  PassManager passes(&context);
  addStage(passes, stage, options, /*fusionRemarks=*/true);
  passes.addInstrumentation(
      std::make_unique<PassWatcher>(progress, diagnostics));
  if (mlir::failed(passes.run(module)))
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
  for (size_t i = 0; i < parts.size(); ++i)
    if (llvm::Error error = runStages(i))
      return error;
  return llvm::Error::success();
}

llvm::Error Compilation::runStages(size_t part) {
  ModuleOp module = *parts[part].module;
  Report &report = reportOf(part);
  Stage last = lastStage(options.emit);
  size_t told = diagnostics.events().size();
  if (llvm::Error error = runStage(module, Stage::Graph))
    return error;
  report.readGraph(module, options);
  report.events.assign(diagnostics.events().begin() + told,
                       diagnostics.events().end());
  if (last == Stage::Graph)
    return llvm::Error::success();
  if (llvm::Error error = runStage(module, Stage::Tile))
    return error;
  report.readTiles(module);
  if (last == Stage::Tile)
    return llvm::Error::success();
  if (llvm::Error error = runStage(module, Stage::Plan))
    return error;
  weights.place(module);
  return report.readPlan(module);
}

llvm::Expected<std::string> Compilation::emitKernels(const Part &part,
                                                     EmitStage stage) {
  if (isGpu(part.target)) {
    if (stage != EmitStage::Binary)
      return failureOf("target '" + part.target.getLevel() +
                       "' is a GPU, whose kernels are CUDA C++: --emit=cuda");
    return emitCuda(*part.module);
  }
  return emitX86(*part.module, stage, progressOfKernels, options.threads);
}

llvm::Expected<std::string> Compilation::emitGpuText(const Part &part) {
  if (!isGpu(part.target))
    return failureOf("only a GPU has such kernels, and the target is '" +
                     part.target.getLevel() + "'");
  if (options.emit == Emit::Cuda)
    return emitCuda(*part.module);
  return emitDeviceText(*part.module,
                        options.emit == Emit::Ptx ? DeviceText::Ptx
                                                  : DeviceText::Resources,
                        progressOfKernels, options.threads);
}

llvm::Error Compilation::writeText(const std::string &output) {
  std::string text;
  if (options.emit == Emit::Llvm || options.emit == Emit::Assembly) {
    auto emitted = emitKernels(parts.front(), options.emit == Emit::Llvm
                                                  ? EmitStage::Llvm
                                                  : EmitStage::Assembly);
    if (!emitted)
      return emitted.takeError();
    text = std::move(*emitted);
  } else if (options.emit == Emit::Cuda || options.emit == Emit::Ptx ||
             options.emit == Emit::Resources) {
    auto emitted = emitGpuText(parts.front());
    if (!emitted)
      return emitted.takeError();
    text = std::move(*emitted);
  } else {
    llvm::raw_string_ostream stream(text);
    parts.front().module->print(stream);
  }
  progress.clear();
  return writeTextFile(output, text);
}

llvm::Error Compilation::fillWeights(ArtifactBuilder &artifact) {
  uint64_t bytes = weights.bytes();
  auto section = artifact.reserveSection(SectionKind::Weights, bytes);
  if (!section.ok())
    return toError(section.status());
  unsigned threads = options.threads
                         ? options.threads
                         : llvm::hardware_concurrency().compute_thread_count();
  uint64_t before = 0, now = 0; // this part goes on where the last one ended
  for (const Part &part : parts) {
    if (llvm::Error error = fillWeightSection(
            *part.module, *model.file, *section, threads, [&](uint64_t done) {
              now = before + done;
              progress.bytes(now, bytes);
            }))
      return error;
    before = now;
  }
  progress.bytes(bytes, bytes); // with what lies between weights
  return llvm::Error::success();
}

/// Whether no other part is for a later GPU of the same major: its PTX serves
/// those of tomorrow, and those that lie between two majors of this file.
bool Compilation::hasNewestGpu(size_t index) const {
  auto capability = [](const Part &part) {
    const CudaTarget *gpu =
        findCudaTarget(std::string_view(part.target.getLevel()));
    return gpu ? cuda::capabilityOf(*gpu) : 0;
  };
  const unsigned own = capability(parts[index]);
  return llvm::all_of(parts, [&](const Part &other) {
    return capability(other) / 10 != own / 10 || capability(other) <= own;
  });
}

llvm::Error Compilation::writeDeviceCode(ArtifactBuilder &artifact,
                                         size_t index,
                                         std::span<const std::byte> plan) {
  auto compiled =
      cuda::compileKernels(*parts[index].module, hasNewestGpu(index),
                           progressOfKernels, options.threads);
  if (!compiled)
    return failureOf(llvm::toString(compiled.takeError()) +
                     " (--emulated-only leaves machine code out)");
  Report &report = reportOf(index);
  report.needs = kernelNeeds(*compiled);
  report.noLater = compiled->noLater;
  auto section = deviceSectionBytes(*compiled, plan, weights.bytes());
  if (!section)
    return section.takeError();
  return toError(artifact.addSection(SectionKind::DeviceCode, *section,
                                     static_cast<uint32_t>(index)));
}

/// The sections that each target has for itself.
llvm::Error Compilation::writeTarget(ArtifactBuilder &artifact, size_t index) {
  const Part &part = parts[index];
  auto number = static_cast<uint32_t>(index);
  llvm::Expected<std::string> kernels = emitKernels(part, EmitStage::Binary);
  if (!kernels)
    return kernels.takeError();
  llvm::Expected<std::vector<std::byte>> plan = planBytes(*part.module);
  if (!plan)
    return plan.takeError();
  for (Status status :
       {artifact.addSection(SectionKind::Plan, *plan, number),
        artifact.addSection(SectionKind::Kernels, *kernels, number)})
    if (!status.ok())
      return toError(status);
  if (isGpu(part.target) && options.machineCode)
    if (llvm::Error error = writeDeviceCode(artifact, index, *plan))
      return error;
  return toError(
      artifact.addSection(SectionKind::Report, reportOf(index).json(), number));
}

llvm::Error Compilation::writeArtifact(const std::string &output) {
  auto artifact = ArtifactBuilder::create(output);
  if (!artifact.ok())
    return toError(artifact.status());
  std::vector<TargetAttr> targets;
  uint64_t overrides = 0;
  for (size_t i = 0; i < parts.size(); ++i) {
    targets.push_back(parts[i].target);
    overrides += reportOf(i).tunedTiles();
  }
  std::string manifest = manifestJson(model.info, *parts.front().module,
                                      targets, options, overrides);
  for (Status status :
       {artifact->addSection(SectionKind::Manifest, manifest),
        artifact->addSection(SectionKind::Vocabulary, model.vocabulary)})
    if (!status.ok())
      return toError(status);
  for (size_t i = 0; i < parts.size(); ++i)
    if (llvm::Error error = writeTarget(*artifact, i))
      return error;
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

/// The report, or those of several targets in an array.
static std::string reportText(const CompileResult &result) {
  if (result.targets.size() == 1)
    return result.targets.front().report.json();
  std::string text = "[";
  for (const TargetResult &target : result.targets)
    (text += text.size() > 1 ? ", " : "") += target.report.json();
  return text + "]\n";
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
  if (llvm::Error error = compilation.addTargets())
    return error;
  if (llvm::Error error = compilation.runStages())
    return error;
  if (llvm::Error error = compilation.write(output))
    return error;
  if (!options.report.empty())
    if (llvm::Error error =
            writeTextFile(options.report, reportText(compilation.result)))
      return error;
  return std::move(compilation.result);
}

} // namespace sinter
