/// Whatever a manifest or report lacks is left out: older compilers knew less.
#include "runtime/ModelInfo.h"

#include "runtime/PrintableText.h"

#include <fmt/format.h>

#include <iterator>
#include <set>
#include <string_view>

namespace sinter {

MemoryUse memoryUse(const Plan &plan, uint32_t contextLength) {
  MemoryUse use;
  use.arena = plan.arenaBytes();
  use.logits = uint64_t(plan.regimes.back().maxTokens) * plan.resultWidth *
               sizeof(float);
  uint64_t blocks =
      (uint64_t(contextLength) + plan.pageTokens - 1) / plan.pageTokens;
  for (const PlanState &state : plan.states) {
    if (state.kind == StateKind::Recurrent) {
      use.recurrent += state.pageBytes;
      continue;
    }
    if (state.window == 0)
      use.cachePerToken += state.pageBytes / plan.pageTokens;
    use.cacheForContext +=
        state.pageBytes *
        (state.window ? ringBlocks(state.window, plan.regimes.back().maxTokens,
                                   plan.pageTokens, contextLength)
                      : blocks);
  }
  return use;
}

std::string byteText(uint64_t bytes) {
  if (bytes < 1024)
    return fmt::format("{} B", bytes);
  double value = static_cast<double>(bytes);
  const char *unit = "";
  for (const char *next : {"KiB", "MiB", "GiB", "TiB"}) {
    if (value < 1024)
      break;
    value /= 1024;
    unit = next;
  }
  return fmt::format("{:.{}f} {}", value, value < 10 ? 2 : 1, unit);
}

Json countersJson(const DeviceCounters &counters) {
  return {{"steps", counters.steps},
          {"launches", counters.launches},
          {"early_launches", counters.early},
          {"captures", counters.captures},
          {"replays", counters.replays},
          {"copied_in_bytes", counters.copiedIn},
          {"copied_out_bytes", counters.copiedOut},
          {"uploaded_bytes", counters.uploaded},
          {"chosen_tokens", counters.chosen},
          {"rows_left_to_host", counters.leftToHost},
          {"step_allocations", counters.stepAllocations}};
}

Json describeModel(const Artifact &artifact, const Session &session) {
  MemoryUse use = memoryUse(artifact.plan(), session.contextLength());
  use.weights = artifact.weights().size();
  auto orNull = [](std::span<const std::byte> section) {
    Json json = parseJson(section);
    return json.is_discarded() ? Json(nullptr) : json;
  };
  return {{"path", artifact.path()},
          {"bytes", artifact.view().header().fileBytes},
          {"version", artifact.view().header().version},
          {"manifest", orNull(artifact.view().section(SectionKind::Manifest))},
          {"session",
           {{"threads", session.threads()},
            {"context", session.contextLength()},
            {"trained_context", artifact.plan().contextLength},
            {"vocabulary", artifact.plan().vocabulary},
            {"chunk", session.chunk()}}},
          {"memory",
           {{"weights", use.weights},
            {"arena", use.arena},
            {"logits", use.logits},
            {"cache_per_token", use.cachePerToken},
            {"cache_for_context", use.cacheForContext},
            {"recurrent_per_sequence", use.recurrent}}},
          {"report", orNull(artifact.report())}};
}

namespace {

/// One line "name        value"; nothing for an empty value.
void addLine(std::string &text, std::string_view name, std::string_view value) {
  if (!value.empty())
    fmt::format_to(std::back_inserter(text), "{:<12} {}\n", name, value);
}

/// A value of any JSON type in one line.
std::string shown(const Json &value) {
  return printable(value.is_string() ? value.get<std::string>()
                                     : dumpJson(value));
}

const Json *find(const Json &object, const char *key) {
  if (!object.is_object())
    return nullptr;
  auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

std::string textOf(const Json &object, const char *key) {
  const Json *value = find(object, key);
  return value ? shown(*value) : "-";
}

/// A row for each fusion, with the reasons of those that were refused below.
std::string fusionTable(const Json &fusions) {
  std::string text =
      fmt::format("\n{:<28} {:>8} {:>8}\n", "fusion", "fused", "expected");
  for (const Json &fusion : fusions) {
    const Json *on = find(fusion, "on");
    bool off = on && on->is_boolean() && !on->get<bool>();
    fmt::format_to(std::back_inserter(text), "{:<28} {:>8} {:>8}\n",
                   textOf(fusion, "name"),
                   off ? "off" : textOf(fusion, "fused"),
                   textOf(fusion, "expected"));
    const Json *refused = find(fusion, "refused");
    if (refused && refused->is_array())
      for (const Json &reason : *refused)
        fmt::format_to(std::back_inserter(text), "    {}\n", shown(reason));
  }
  return text;
}

/// What a model gives that writes no text; nothing of others.
std::string resultLine(const Plan &plan) {
  if (plan.result == ResultKind::Logits)
    return "";
  const char *of =
      plan.rows == ResultRows::Sequences ? "for each text" : "for each token";
  return plan.result == ResultKind::Scores
             ? fmt::format("{} scores {}", plan.resultWidth, of)
             : fmt::format("an embedding of {} numbers {}", plan.resultWidth,
                           of);
}

std::string modelLine(const Artifact &artifact) {
  const Manifest &manifest = artifact.manifest();
  std::string line = fmt::format("{} ({}", printable(manifest.modelName),
                                 printable(manifest.architecture));
  if (manifest.parameters)
    line += fmt::format(", {:.3g} million parameters",
                        static_cast<double>(manifest.parameters) * 1e-6);
  return line + ")";
}

/// The target in use, and which others the file has.
std::string targetLine(const Artifact &artifact) {
  const std::string &used = artifact.target().machine.name;
  std::string others;
  for (const ArtifactTarget &target : artifact.targets())
    if (target.machine.name != used)
      others += (others.empty() ? "" : ", ") + printable(target.machine.name);
  return printable(used) + (others.empty() ? "" : " (also for " + others + ")");
}

} // namespace

const char *elementName(StateElement element) {
  switch (element) {
  case StateElement::F16:
    return "f16";
  case StateElement::F32:
    return "f32";
  case StateElement::Bf16Pairs:
    return "bf16";
  case StateElement::Q8_0:
    return "q8_0";
  case StateElement::E4m3:
    return "fp8";
  }
  return "?";
}

/// What the caches hold: "q8_0, ".
static std::string elementText(const Plan &plan) {
  std::set<StateElement> held;
  for (const PlanState &state : plan.states)
    if (state.kind == StateKind::KvCache)
      held.insert(state.element);
  std::string text;
  for (StateElement element : held)
    text += std::string(elementName(element)) + ", ";
  return text;
}

std::string modelText(const Artifact &artifact, const Session &session) {
  MemoryUse use = memoryUse(artifact.plan(), session.contextLength());
  const Manifest &manifest = artifact.manifest();
  std::string required;
  for (const std::string &feature : artifact.target().machine.required)
    required += (required.empty() ? "" : " ") + printable(feature);
  std::string text;
  addLine(text, "file",
          fmt::format("{} ({})", printable(artifact.path()),
                      byteText(artifact.view().header().fileBytes)));
  addLine(text, "model", modelLine(artifact));
  addLine(text, "gives", resultLine(artifact.plan()));
  addLine(text, "compiler", printable(manifest.compiler));
  addLine(text, "target", targetLine(artifact));
  addLine(text, "requires", required);
  if (session.deviceCounters())
    addLine(text, "device", printable(session.place()));
  addLine(text, "threads", fmt::format("{}", session.threads()));
  addLine(text, "context",
          fmt::format("{} tokens (trained for {})", session.contextLength(),
                      artifact.plan().contextLength));
  addLine(text, "weights", byteText(artifact.weights().size()));
  addLine(text, "activations", byteText(use.arena));
  addLine(text, "KV cache",
          fmt::format("{}{} per token, {} for the whole context",
                      elementText(artifact.plan()), byteText(use.cachePerToken),
                      byteText(use.cacheForContext)));
  if (use.recurrent)
    addLine(text, "recurrent",
            fmt::format("{} per sequence", byteText(use.recurrent)));
  Json report = parseJson(artifact.report());
  if (const Json *fusions = find(report, "fusions");
      fusions && fusions->is_array())
    text += fusionTable(*fusions);
  return text;
}

} // namespace sinter
