/// Reads the manifest with types checked, since the JSON may say anything.
#include "runtime/Manifest.h"

#include "runtime/ArtifactFormat.h"
#include "runtime/JsonText.h"

#include <fmt/format.h>

namespace sinter {

static Status bad(const std::string &key, const char *expected) {
  return Status(Code::CorruptData, fmt::format("manifest: key '{}' is missing "
                                               "or not {}",
                                               key, expected));
}

static Status readText(const Json &from, const char *key,
                       const std::string &path, std::string &into) {
  auto found = from.find(key);
  if (found == from.end() || !found->is_string())
    return bad(path, "a string");
  into = found->get<std::string>();
  return {};
}

static Status readTarget(const Json &from, ManifestTarget &into) {
  if (!from.is_object())
    return bad("targets", "an array of objects, one at least");
  SINTER_TRY(readText(from, "name", "targets.name", into.name));
  auto required = from.find("requires");
  if (required == from.end() || !required->is_array())
    return bad("targets.requires", "an array of strings");
  for (const Json &name : *required) {
    if (!name.is_string())
      return bad("targets.requires", "an array of strings");
    into.required.push_back(name.get<std::string>());
  }
  return {};
}

Result<Manifest> parseManifest(std::span<const std::byte> section) {
  Manifest manifest;
  manifest.text.assign(reinterpret_cast<const char *>(section.data()),
                       section.size());
  Json json = parseJson(section);
  if (!json.is_object())
    return Status(Code::CorruptData, "manifest is not a JSON object");
  auto model = json.find("model");
  if (model == json.end() || !model->is_object())
    return bad("model", "an object");
  SINTER_TRY(readText(json, "compiler", "compiler", manifest.compiler));
  SINTER_TRY(readText(*model, "name", "model.name", manifest.modelName));
  SINTER_TRY(readText(*model, "architecture", "model.architecture",
                      manifest.architecture));
  if (auto found = model->find("parameters"); found != model->end()) {
    if (!found->is_number_unsigned())
      return bad("model.parameters", "an unsigned number");
    manifest.parameters = found->get<uint64_t>();
  }
  if (model->contains("rank_template"))
    SINTER_TRY(readText(*model, "rank_template", "model.rank_template",
                        manifest.rankTemplate));
  auto targets = json.find("targets");
  if (targets == json.end() || !targets->is_array() || targets->empty() ||
      targets->size() > kMaxTargets)
    return bad("targets", "an array of objects, one at least");
  for (const Json &target : *targets)
    SINTER_TRY(readTarget(target, manifest.targets.emplace_back()));
  return manifest;
}

} // namespace sinter
