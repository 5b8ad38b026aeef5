/// The pipeline.
#include "compiler/Pipeline.h"

#include "compiler/Failure.h"

#include "compiler/ChooseWeightLayout.h"
#include "passes/Passes.h"

#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <algorithm>

using llvm::StringRef;

namespace sinter {

template <auto create>
static std::unique_ptr<mlir::Pass> make(const CompileOptions &) {
  return create();
}

/// Null unless it is asked for.
static std::unique_ptr<mlir::Pass> makeFloat4(const CompileOptions &options) {
  return options.float4 ? createChooseFloat4Activations() : nullptr;
}

static std::unique_ptr<mlir::Pass> makeScans(const CompileOptions &options) {
  return options.chunkedScan ? createChooseScanForm() : nullptr;
}

/// Null where caches stay as they were imported.
static std::unique_ptr<mlir::Pass> makeCache(const CompileOptions &options) {
  if (options.kvCache == "f32" || options.kvCache == "f16")
    return nullptr;
  ChooseCacheElementOptions cache;
  cache.element = options.kvCache;
  return createChooseCacheElement(cache);
}

static std::unique_ptr<mlir::Pass> makeSelect(const CompileOptions &options) {
  SelectTilesOptions tiles;
  tiles.prefillTokens = options.chunk;
  tiles.decodeTokens = std::min(8u, std::max(1u, options.chunk / 2));
  return createSelectTiles(tiles);
}

static std::unique_ptr<mlir::Pass> makeCheck(const CompileOptions &options) {
  CheckEngagementOptions check;
  check.require = options.required;
  return createCheckEngagement(check);
}

static constexpr PipelineStep kSteps[] = {
    {Stage::Graph, "choose-activation-format",
     make<[] { return createChooseActivationFormat(); }>, false},
    {Stage::Graph, "choose-float4-activations", makeFloat4, false},
    {Stage::Graph, "choose-scan-form", makeScans, false},
    {Stage::Graph, "choose-cache-element", makeCache, false},
    {Stage::Graph, "fuse-moe-region",
     make<[] { return createFuseMoeRegion(); }>, true},
    {Stage::Graph, "pack-gdn-projections",
     make<[] { return createPackGdnProjections(); }>, true},
    {Stage::Graph, "collapse-gdn-output",
     make<[] { return createCollapseGdnOutput(); }>, true},
    {Stage::Graph, "update-gdn-state-in-place",
     make<[] { return createUpdateGdnStateInPlace(); }>, true},
    {Stage::Graph, "fuse-gdn-conv", make<[] { return createFuseGdnConv(); }>,
     true},
    {Stage::Graph, "fuse-gated-norm",
     make<[] { return createFuseGatedNorm(); }>, true},
    {Stage::Graph, "merge-projections",
     make<[] { return createMergeProjections(); }>, true},
    {Stage::Graph, "fuse-swiglu", make<[] { return createFuseSwiglu(); }>,
     true},
    {Stage::Graph, "fuse-residual-norm",
     make<[] { return createFuseResidualNorm(); }>, true},
    {Stage::Graph, "fuse-rope-cache-write",
     make<[] { return createFuseRopeCacheWrite(); }>, true},
    {Stage::Graph, "fuse-act-quant", make<[] { return createFuseActQuant(); }>,
     true},
    {Stage::Graph, "check-engagement", makeCheck, false},
    {Stage::Graph, "legalize-for-target",
     make<[] { return createLegalizeForTarget(); }>, false},
    {Stage::Tile, "lower-to-tile", make<[] { return createLowerToTile(); }>,
     false},
    {Stage::Tile, "choose-weight-layout", make<createChooseWeightLayout>,
     false},
    {Stage::Tile, "select-tiles", makeSelect, false},
    {Stage::Tile, "choose-attention-splits",
     make<[] { return createChooseAttentionSplits(); }>, true},
    {Stage::Plan, "lower-to-plan", make<[] { return createLowerToPlan(); }>,
     false},
    {Stage::Plan, "plan-memory", make<[] { return createPlanMemory(); }>, true},
};

std::span<const PipelineStep> pipelineSteps() { return kSteps; }

/// What may be switched off in stage Graph is a fusion.
static bool isOn(const PipelineStep &step, const CompileOptions &options) {
  if (!step.ablatable)
    return true;
  if (!options.fuse && step.stage == Stage::Graph)
    return false;
  return !llvm::is_contained(options.disabled, StringRef(step.name));
}

void addStage(mlir::OpPassManager &passes, Stage stage,
              const CompileOptions &options, bool fusionRemarks) {
  for (const PipelineStep &step : kSteps) {
    if (step.stage != stage || !isOn(step, options))
      continue;
    std::unique_ptr<mlir::Pass> pass = step.make(options);
    if (!pass)
      continue;
    // Passes without that option say so, and need no switch.
    bool isFusion = step.ablatable && step.stage == Stage::Graph;
    if ((isFusion && fusionRemarks) ||
        llvm::is_contained(options.remarks, StringRef(step.name)))
      (void)pass->initializeOptions(
          "remarks=true", [](const llvm::Twine &) { return mlir::failure(); });
    passes.addPass(std::move(pass));
  }
}

std::string nearest(StringRef name, llvm::ArrayRef<StringRef> known) {
  unsigned limit = std::max<size_t>(2, name.size() / 3), best = limit + 1;
  llvm::SmallVector<std::string> found;
  for (StringRef other : known) {
    unsigned distance = name.edit_distance(other, true, limit);
    if (distance > limit || distance > best)
      continue;
    if (distance < best)
      found.clear();
    best = distance;
    found.push_back(("'" + other + "'").str());
  }
  if (found.empty())
    return "";
  return " (did you mean " + llvm::join(found, " or ") + "?)";
}

static llvm::Error checkName(StringRef flag, StringRef name,
                             bool (*allowed)(const PipelineStep &)) {
  llvm::SmallVector<StringRef> known;
  for (const PipelineStep &step : kSteps)
    if (allowed(step))
      known.push_back(step.name);
  if (llvm::is_contained(known, name))
    return llvm::Error::success();
  return failureOf(
      llvm::formatv("{0}: unknown pass '{1}'{2}; expected one of {3}", flag,
                    name, nearest(name, known), llvm::join(known, ", ")));
}

llvm::Error checkNames(const CompileOptions &options) {
  for (const std::string &name : options.disabled)
    if (auto error = checkName("--no-" + name, name,
                               [](auto &step) { return step.ablatable; }))
      return error;
  for (const std::string &name : options.required)
    if (auto error = checkName("--require-fusion", name, [](auto &step) {
          return step.ablatable && step.stage == Stage::Graph;
        }))
      return error;
  for (const std::string &name : options.remarks)
    if (auto error = checkName("--remarks", name, [](auto &) { return true; }))
      return error;
  return llvm::Error::success();
}

static StringRef stageName(Stage stage) {
  switch (stage) {
  case Stage::Graph:
    return "graph";
  case Stage::Tile:
    return "tile";
  case Stage::Plan:
    return "plan";
  }
  llvm_unreachable("every stage has a name");
}

std::string listPasses() {
  std::string text;
  for (const PipelineStep &step : kSteps) {
    std::string off = step.ablatable ? "--no-" + std::string(step.name) : "";
    text += StringRef(llvm::formatv("{0,-6} {1,-26} {2}", stageName(step.stage),
                                    step.name, off)
                          .str())
                .rtrim()
                .str() +
            "\n";
  }
  return text;
}

void registerSinterPipeline() {
  static mlir::PassPipelineRegistration<> pipeline(
      "sinter-pipeline", "every pass of a compilation, in order",
      [](mlir::OpPassManager &passes) {
        for (Stage stage : {Stage::Graph, Stage::Tile, Stage::Plan})
          addStage(passes, stage, CompileOptions());
      });
}

} // namespace sinter
