/// Reads the report off the module and prints it.
#include "compiler/Report.h"

#include "compiler/Failure.h"
#include "compiler/Pipeline.h"
#include "compiler/PlanBytes.h"
#include "compiler/WeightSection.h"
#include "dialects/plan/Plan.h"
#include "passes/FusionPass.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

using namespace mlir;

namespace sinter {

static bool isOn(const CompileOptions &options, StringRef name) {
  return options.fuse && !llvm::is_contained(options.disabled, name);
}

void Report::readGraph(ModuleOp module, const CompileOptions &options) {
  auto step = module.lookupSymbol<func::FuncOp>("step");
  auto model = module->getAttrOfType<ModelAttr>(kModelAttr);
  auto fused = step->getAttrOfType<DictionaryAttr>(kFusedAttr);
  auto refused = step->getAttrOfType<DictionaryAttr>(kRefusedAttr);
  for (const PipelineStep &pass : pipelineSteps()) {
    auto fusion = llvm::find_if(kFusionList, [&](const Fusion *f) {
      return StringRef(f->stem) == pass.name;
    });
    if (fusion == std::end(kFusionList))
      continue;
    FusionResult result;
    result.name = pass.name;
    result.on = isOn(options, pass.name);
    result.expected = model ? (*fusion)->expected(model) : 0;
    if (fused)
      if (auto count = fused.getAs<IntegerAttr>(pass.name))
        result.fused = count.getInt();
    if (refused)
      if (auto reasons = refused.getAs<ArrayAttr>(pass.name))
        for (auto reason : reasons.getAsValueRange<StringAttr>())
          result.refusals.push_back(reason.str());
    fusions.push_back(std::move(result));
  }
}

void Report::readTiles(ModuleOp module) {
  auto step = module.lookupSymbol<func::FuncOp>("decode");
  if (auto list = step->getAttrOfType<ArrayAttr>(kInlinedAttr))
    for (auto reason : list.getAsValueRange<StringAttr>())
      inlined.push_back(reason.str());
  kernels = describeKernels(module);
  for (const KernelResult &kernel : kernels)
    machine.kernels[kernel.name] = {kernel.unit, kernel.rowBytes};
}

llvm::Error Report::readPlan(ModuleOp module) {
  for (auto regime : module.getOps<plan::RegimeOp>()) {
    RegimeResult result;
    result.maxTokens = regime.getMaxTokens();
    result.arenaBytes = regime.getArenaBytes();
    for (auto launch : regime.getBody().getOps<plan::LaunchOp>()) {
      ++result.launches;
      result.barriers += launch.getBarrier() || launch.getBatchBarrier();
    }
    regimes.push_back(result);
  }
  weightBytes = weightSectionBytes(module);
  llvm::Expected<std::vector<std::byte>> bytes = planBytes(module);
  if (!bytes)
    return bytes.takeError();
  auto predicted = predictSteps(machine, *bytes, weightBytes);
  if (!predicted.ok())
    return failureOf(predicted.status().message());
  steps = std::move(*predicted);
  return llvm::Error::success();
}

/// The layer of a label: blk.3 of blk.3.ffn_gate, output of output.
static StringRef layerOf(StringRef label) {
  StringRef name = label.split(' ').first;
  if (!name.starts_with("blk."))
    return name.split('.').first;
  return name.take_front(name.find('.', strlen("blk.")));
}

static nlohmann::ordered_json stepJson(const StepPrediction &step) {
  nlohmann::ordered_json json = {{"tokens", step.tokens},
                                 {"weight_bytes", step.work.weightBytes},
                                 {"cache_bytes", step.work.cacheBytes},
                                 {"products", step.work.products},
                                 {"barriers", step.work.barriers},
                                 {"seconds", step.seconds},
                                 {"launches", nlohmann::ordered_json::array()}};
  for (const LaunchPrediction &launch : step.launches)
    json["launches"].push_back({{"layer", layerOf(launch.label)},
                                {"label", launch.label},
                                {"kernel", launch.kernel},
                                {"weight_bytes", launch.work.weightBytes},
                                {"cache_bytes", launch.work.cacheBytes},
                                {"products", launch.work.products},
                                {"seconds", launch.seconds}});
  return json;
}

/// For each layer, in order of first mention, what fusions did there.
static nlohmann::ordered_json
layersJson(const std::vector<FusionEvent> &events) {
  auto layers = nlohmann::ordered_json::array();
  llvm::StringMap<size_t> at;
  for (const FusionEvent &event : events) {
    StringRef name = layerOf(event.place);
    auto [entry, isNew] = at.try_emplace(name, layers.size());
    if (isNew)
      layers.push_back({{"name", name},
                        {"fired", nlohmann::ordered_json::array()},
                        {"refused", nlohmann::ordered_json::array()}});
    auto &layer = layers[entry->second];
    if (event.refusal.empty())
      layer["fired"].push_back({{"fusion", event.fusion}, {"at", event.place}});
    else
      layer["refused"].push_back({{"fusion", event.fusion},
                                  {"at", event.place},
                                  {"reason", event.refusal}});
  }
  return layers;
}

static nlohmann::ordered_json needsJson(const std::vector<KernelNeeds> &needs) {
  auto json = nlohmann::ordered_json::array();
  for (const KernelNeeds &kernel : needs)
    json.push_back({{"name", kernel.name},
                    {"threads", kernel.threads},
                    {"registers", kernel.registers},
                    {"shared_bytes", kernel.shared},
                    {"spill_bytes", kernel.spills},
                    {"stack_bytes", kernel.stack},
                    {"resident_warps", kernel.warps},
                    {"most_warps", kernel.mostWarps},
                    {"obstacle", kernel.obstacle}});
  return json;
}

std::string Report::json() const {
  nlohmann::ordered_json json;
  json["fusions"] = nlohmann::ordered_json::array();
  for (const FusionResult &fusion : fusions)
    json["fusions"].push_back({{"name", fusion.name},
                               {"on", fusion.on},
                               {"fused", fusion.fused},
                               {"expected", fusion.expected},
                               {"refused", fusion.refusals}});
  json["inlined"] = inlined;
  json["kernels"] = nlohmann::ordered_json::array();
  for (const KernelResult &kernel : kernels)
    json["kernels"].push_back({{"name", kernel.name},
                               {"class", kernel.kind},
                               {"unit", unitName(kernel.unit)},
                               {"tile", kernel.tile},
                               {"reason", kernel.reason},
                               {"tuned", kernel.tuned},
                               {"row_bytes", kernel.rowBytes}});
  if (!needs.empty())
    json["resources"] = needsJson(needs);
  if (!noLater.empty())
    json["no_later_gpus"] = noLater;
  json["regimes"] = nlohmann::ordered_json::array();
  for (const RegimeResult &regime : regimes)
    json["regimes"].push_back({{"max_tokens", regime.maxTokens},
                               {"launches", regime.launches},
                               {"barriers", regime.barriers},
                               {"arena_bytes", regime.arenaBytes}});
  json["weight_bytes"] = weightBytes;
  json["machine"] = machineJson(machine);
  json["steps"] = nlohmann::ordered_json::array();
  for (const StepPrediction &step : steps)
    json["steps"].push_back(stepJson(step));
  json["layers"] = layersJson(events);
  return json.dump(2, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

uint64_t Report::tunedTiles() const {
  return llvm::count_if(kernels, [](const KernelResult &k) { return k.tuned; });
}

std::string Report::table() const {
  std::string text = fmt::format("{:<26} {:>6} {:>9}  {}\n", "fusion", "fired",
                                 "expected", "refused");
  for (const FusionResult &fusion : fusions) {
    // A model without, say, experts need not read of fusions for them.
    if (!fusion.fused && !fusion.expected && fusion.refusals.empty())
      continue;
    std::string why = fusion.on ? "" : "switched off";
    for (const std::string &reason : fusion.refusals)
      why += (why.empty() ? "" : "; ") + reason;
    text += StringRef(fmt::format("{:<26} {:>6} {:>9}  {}", fusion.name,
                                  fusion.fused, fusion.expected, why))
                .rtrim()
                .str() +
            "\n";
  }
  for (const std::string &reason : inlined)
    text += "inlined: " + reason + "\n";
  if (uint64_t tuned = tunedTiles())
    text += fmt::format("tuned tiles: {} of {} kernels (--no-tuned-tiles "
                        "leaves them to the rules)\n",
                        tuned, kernels.size());
  return text;
}

Diagnostics::Diagnostics(MLIRContext &context,
                         const std::vector<std::string> &remarksOf)
    : remarksOf(remarksOf), handler(&context, [this](Diagnostic &diagnostic) {
        return take(diagnostic);
      }) {}

static std::string placeOf(Location loc) {
  if (auto name = dyn_cast<NameLoc>(loc))
    return name.getName().str() + ": ";
  return "";
}

static bool isFusion(StringRef pass) {
  return llvm::any_of(kFusionList,
                      [&](const Fusion *f) { return pass == f->stem; });
}

/// "fused", or "refused: " and the reason (passes/FusionPass.cpp).
static FusionEvent eventOf(StringRef pass, StringRef place, StringRef remark) {
  place.consume_back(": ");
  StringRef reason = remark;
  bool refused = reason.consume_front("refused: ");
  return {pass.str(), place.str(), refused ? reason.str() : ""};
}

LogicalResult Diagnostics::take(Diagnostic &diagnostic) {
  std::string place = placeOf(diagnostic.getLocation());
  std::string line = place + diagnostic.str();
  if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
    text += (text.empty() ? "" : "; ") + line;
  if (diagnostic.getSeverity() != DiagnosticSeverity::Remark)
    return success();
  if (isFusion(pass))
    told.push_back(eventOf(pass, place, diagnostic.str()));
  if (llvm::is_contained(remarksOf, pass))
    kept.push_back(pass + ": " + line);
  return success();
}

} // namespace sinter
