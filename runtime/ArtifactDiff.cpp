/// Each side is first brought into flat lists of named values, which then are
/// compared in one way.
#include "runtime/ArtifactDiff.h"

#include "runtime/ModelInfo.h"
#include "runtime/PrintableText.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

namespace sinter {
namespace {

/// Names to values, in the order in which they were added.
using Values = Json;

struct Group {
  const char *name;
  Values (*valuesOf)(const Artifact &artifact, const Json &report);
};

/// Adds the scalars and arrays of `json` under dotted paths.
void flatten(const Json &json, const std::string &path, Values &into) {
  if (!json.is_object()) {
    into[path] = json;
    return;
  }
  for (const auto &[key, value] : json.items())
    flatten(value, path.empty() ? key : path + "." + key, into);
}

/// What was asked for, and of which model.
Values manifestValues(const Artifact &artifact, const Json &) {
  Values values = Json::object();
  Json manifest = parseJson(artifact.view().section(SectionKind::Manifest));
  if (manifest.is_object())
    flatten(manifest, "", values);
  return values;
}

/// The objects of a list in the report that have a name.
template <typename Body>
void eachNamed(const Json &report, const char *list, Body body) {
  if (!report.is_object() || !report.contains(list) || !report[list].is_array())
    return;
  for (const Json &entry : report[list])
    if (entry.is_object() && entry.contains("name") &&
        entry["name"].is_string())
      body(entry["name"].get<std::string>(), entry);
}

std::string textOf(const Json &value) {
  return printable(value.is_string() ? value.get<std::string>()
                                     : dumpJson(value));
}

std::string memberText(const Json &object, const char *key) {
  return object.contains(key) ? textOf(object[key]) : "?";
}

Values fusionValues(const Artifact &, const Json &report) {
  Values values = Json::object();
  eachNamed(report, "fusions", [&](const std::string &name, const Json &entry) {
    bool off = entry.contains("on") && entry["on"] == false;
    values[name] = off ? "off"
                       : memberText(entry, "fused") + " of " +
                             memberText(entry, "expected");
    if (entry.contains("refused") && entry["refused"].is_array())
      for (const Json &reason : entry["refused"])
        values[name + " refused: " + textOf(reason)] = true;
  });
  return values;
}

/// With their tiles, if the report tells them.
Values kernelValues(const Artifact &artifact, const Json &report) {
  Values values = Json::object();
  const Plan &plan = artifact.plan();
  for (const PlanKernel &kernel : plan.kernels)
    values[std::string(plan.string(kernel.name))] = "";
  eachNamed(report, "kernels", [&](const std::string &name, const Json &entry) {
    if (values.contains(name) && entry.contains("tile") && entry["tile"] != "")
      values[name] = "<" + textOf(entry["tile"]) + ">";
  });
  return values;
}

/// Of each regime, by the steps it serves.
Values regimeValues(const Artifact &artifact, const Json &) {
  Values values = Json::object();
  const Plan &plan = artifact.plan();
  for (const PlanRegime &regime : plan.regimes) {
    std::string name = fmt::format("up to {} tokens: ", regime.maxTokens);
    uint32_t always = 0, batch = 0;
    for (uint32_t i = 0; i < regime.launchCount; ++i) {
      LaunchBarrier barrier = plan.launches[regime.firstLaunch + i].barrier;
      always += barrier == LaunchBarrier::Always;
      batch += barrier != LaunchBarrier::None;
    }
    values[name + "launches"] = regime.launchCount;
    values[name + "barriers"] = batch;
    if (&regime == &plan.regimes.front())
      values["1 token: barriers"] = always;
    values[name + "arena bytes"] = regime.arenaBytes;
  }
  return values;
}

Values byteValues(const Artifact &artifact, const Json &) {
  MemoryUse use = memoryUse(artifact.plan(), artifact.plan().pageTokens);
  return {{"file", artifact.view().header().fileBytes},
          {"weights", artifact.weights().size()},
          {"cache per token", use.cachePerToken},
          {"recurrent states of a sequence", use.recurrent}};
}

/// In whole nanoseconds, so that text and JSON agree.
Values timeValues(const Artifact &, const Json &report) {
  Values values = Json::object();
  if (!report.is_object() || !report.contains("steps") ||
      !report["steps"].is_array())
    return values;
  for (const Json &step : report["steps"])
    if (step.is_object() && step.contains("tokens") &&
        step.contains("seconds") && step["seconds"].is_number())
      values[fmt::format("{} token{}, ms", textOf(step["tokens"]),
                         step["tokens"] == 1 ? "" : "s")] =
          fmt::format("{:.6f}", step["seconds"].get<double>() * 1e3);
  return values;
}

/// Whatever else is in the sections.
Values sectionValues(const Artifact &artifact, const Json &) {
  Values values = Json::object();
  for (const SectionEntry &entry : artifact.view().sections())
    values[sectionName(entry.kind) +
           (entry.target ? fmt::format(" {}", entry.target) : "")] =
        fmt::format("{} bytes, hash {:016x}", entry.bytes, entry.hash);
  return values;
}

constexpr Group kGroups[] = {
    {"manifest", manifestValues}, {"fusions", fusionValues},
    {"kernels", kernelValues},    {"regimes", regimeValues},
    {"bytes", byteValues},        {"predicted", timeValues},
    {"sections", sectionValues}};

} // namespace

Json diffArtifacts(const Artifact &a, const Artifact &b) {
  Json differences = Json::array();
  Json reportA = parseJson(a.report()), reportB = parseJson(b.report());
  for (const Group &group : kGroups) {
    Values left = group.valuesOf(a, reportA),
           right = group.valuesOf(b, reportB);
    auto add = [&](const std::string &what, const Json &was, const Json &is) {
      differences.push_back(
          {{"group", group.name}, {"what", what}, {"a", was}, {"b", is}});
    };
    for (const auto &[name, value] : left.items())
      if (!right.contains(name))
        add(name, value, nullptr);
      else if (right[name] != value)
        add(name, value, right[name]);
    for (const auto &[name, value] : right.items())
      if (!left.contains(name))
        add(name, nullptr, value);
  }
  return {{"equal", differences.empty()}, {"differences", differences}};
}

std::string diffText(const Json &diff) {
  std::string text, group;
  for (const Json &entry : diff["differences"]) {
    if (entry["group"] != group) {
      group = entry["group"].get<std::string>();
      text += group + "\n";
    }
    const Json &a = entry["a"], &b = entry["b"];
    // A value that only tells presence needs no words.
    auto shown = [](const Json &value) {
      return value == true || value == "" ? "" : " " + textOf(value);
    };
    std::string what = printable(entry["what"].get<std::string>());
    if (a.is_null())
      text += fmt::format("  + {}{}\n", what, shown(b));
    else if (b.is_null())
      text += fmt::format("  - {}{}\n", what, shown(a));
    else
      text += fmt::format("  {}: {} -> {}\n", what, textOf(a), textOf(b));
  }
  return text;
}

} // namespace sinter
