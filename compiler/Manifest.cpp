/// Writes the manifest.
#include "compiler/Manifest.h"

#include "compiler/HostTarget.h"

#include <nlohmann/json.hpp>

namespace sinter {

/// What the model is for.
static const char *taskOf(ResultAttr result) {
  if (!result)
    return "generate";
  return result.getKind() == "scores" ? "rank" : "embed";
}

std::string manifestJson(const ModelInfo &info, mlir::ModuleOp module,
                         llvm::ArrayRef<TargetAttr> targets,
                         const CompileOptions &options, uint64_t tunedTiles) {
  using Json = nlohmann::ordered_json;
  auto model = module->getAttrOfType<ModelAttr>("sinter.model");
  auto result = module->getAttrOfType<ResultAttr>("sinter.result");
  Json json;
  json["compiler"] = "sinter " SINTER_VERSION;
  json["model"] = {{"name", info.name},
                   {"architecture", info.family},
                   {"quantisation", info.quantisation},
                   {"parameters", info.parameters},
                   {"layers", model.getLayers()},
                   {"hidden", model.getHidden()},
                   {"vocabulary", model.getVocabulary()},
                   {"context", model.getTrainedContext()},
                   {"source_bytes", info.weightBytes},
                   {"task", taskOf(result)}};
  if (!info.rankTemplate.empty())
    json["model"]["rank_template"] = info.rankTemplate;
  json["targets"] = Json::array();
  for (TargetAttr target : targets)
    json["targets"].push_back({{"name", target.getLevel().str()},
                               {"features", target.getFeatures().str()},
                               {"cores", target.getCores()},
                               {"requires", requiredFeatures(target)}});
  json["options"] = {
      {"targets", options.targets},   {"fusions", options.fuse},
      {"disabled", options.disabled}, {"kv_cache", options.kvCache},
      {"chunk", options.chunk},       {"tuned_tiles", tunedTiles}};
  if (options.float4)
    json["options"]["activations"] = "fp4";
  if (options.chunkedScan)
    json["options"]["scan"] = "chunked";
  if (!options.pooling.empty())
    json["options"]["pooling"] = options.pooling;
  // A name in the model may be anything but text.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace sinter
