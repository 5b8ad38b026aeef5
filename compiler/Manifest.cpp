/// Writes the manifest.
#include "compiler/Manifest.h"

#include "compiler/HostTarget.h"

#include <nlohmann/json.hpp>

namespace sinter {

std::string manifestJson(const ModelInfo &info, ModelAttr model,
                         TargetAttr target, const CompileOptions &options,
                         uint64_t tunedTiles) {
  using Json = nlohmann::ordered_json;
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
                   {"source_bytes", info.weightBytes}};
  json["target"] = {{"name", target.getLevel().str()},
                    {"features", target.getFeatures().str()},
                    {"cores", target.getCores()}};
  json["requires"] = requiredFeatures(target);
  json["options"] = {
      {"target", options.target},     {"fusions", options.fuse},
      {"disabled", options.disabled}, {"kv", options.kvF32 ? "f32" : "f16"},
      {"chunk", options.chunk},       {"tuned_tiles", tunedTiles}};
  // A name in the model may be anything but text.
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

} // namespace sinter
