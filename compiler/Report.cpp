/// Reads the report off the module and prints it.
#include "compiler/Report.h"

#include "compiler/Pipeline.h"
#include "dialects/plan/Plan.h"
#include "passes/FusionPass.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/STLExtras.h"
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
    result.expected = model ? (*fusion)->expected(model, step) : 0;
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
  for (auto kernel : module.getOps<tile::KernelOp>()) {
    std::string text;
    llvm::raw_string_ostream(text) << kernel.getConfigAttr();
    StringRef inner = text;
    inner.consume_front("#tile.config<");
    inner.consume_back(">");
    tiles.push_back({kernel.getSymName().str(), inner.str()});
  }
}

void Report::readPlan(ModuleOp module) {
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
  for (auto weight : module.getOps<plan::WeightOp>())
    weightBytes =
        std::max<uint64_t>(weightBytes, weight.getOffset() + weight.getBytes());
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
  json["tiles"] = nlohmann::ordered_json::object();
  for (const TileResult &tile : tiles)
    json["tiles"][tile.kernel] = tile.tile;
  json["regimes"] = nlohmann::ordered_json::array();
  for (const RegimeResult &regime : regimes)
    json["regimes"].push_back({{"max_tokens", regime.maxTokens},
                               {"launches", regime.launches},
                               {"barriers", regime.barriers},
                               {"arena_bytes", regime.arenaBytes}});
  json["weight_bytes"] = weightBytes;
  return json.dump(2, ' ', false,
                   nlohmann::ordered_json::error_handler_t::replace) +
         "\n";
}

std::string Report::table() const {
  std::string text = fmt::format("{:<24} {:>6} {:>9}  {}\n", "fusion", "fired",
                                 "expected", "refused");
  for (const FusionResult &fusion : fusions) {
    std::string why = fusion.on ? "" : "switched off";
    for (const std::string &reason : fusion.refusals)
      why += (why.empty() ? "" : "; ") + reason;
    text += StringRef(fmt::format("{:<24} {:>6} {:>9}  {}", fusion.name,
                                  fusion.fused, fusion.expected, why))
                .rtrim()
                .str() +
            "\n";
  }
  for (const std::string &reason : inlined)
    text += "inlined: " + reason + "\n";
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

LogicalResult Diagnostics::take(Diagnostic &diagnostic) {
  std::string line = placeOf(diagnostic.getLocation()) + diagnostic.str();
  if (diagnostic.getSeverity() == DiagnosticSeverity::Error)
    text += (text.empty() ? "" : "; ") + line;
  else if (diagnostic.getSeverity() == DiagnosticSeverity::Remark &&
           llvm::is_contained(remarksOf, pass))
    kept.push_back(pass + ": " + line);
  return success();
}

} // namespace sinter
