/// Joins the layers of the launches with those of the fusions. A report may
/// come from a stranger: time and memory stay in proportion to its length.
#include "runtime/ExplainLayers.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <utility>

namespace sinter {
namespace {

/// `text` without the name of the layer it begins with.
std::string inside(const std::string &layer, std::string text) {
  if (text.size() > layer.size() && text.starts_with(layer) &&
      text[layer.size()] == '.')
    text.erase(0, layer.size() + 1);
  return text;
}

class LayerReader {
public:
  std::vector<ExplainedLayer> layers;

  void addStep(size_t step, const Json &launches);
  void addFusions(const Json &entry);

private:
  ExplainedLayer &layer(const std::string &name);

  std::map<std::string, size_t> places; ///< in `layers`, by name
};

} // namespace

ExplainedLayer &LayerReader::layer(const std::string &name) {
  auto [found, isNew] = places.emplace(name, layers.size());
  if (isNew)
    layers.push_back({name, "", {}});
  return layers[found->second];
}

std::string ExplainedLaunch::kernelText() const {
  std::vector<std::string> names;
  for (const std::string &kernel : kernels)
    if (!kernel.empty() && std::ranges::find(names, kernel) == names.end())
      names.push_back(kernel);
  if (names.size() == 2 && names[0].starts_with(names[1]))
    return names[1] + "[" + names[0].substr(names[1].size()) + "]";
  return fmt::format("{}", fmt::join(names, ", "));
}

/// The launch of a label at or behind `index`; a new one where there is none.
static size_t findLaunch(std::vector<ExplainedLaunch> &launches, size_t index,
                         const std::string &label) {
  while (index < launches.size() && launches[index].label != label)
    ++index;
  if (index == launches.size()) {
    launches.emplace_back();
    launches.back().label = label;
  }
  return index;
}

/// Launches of the steps stand side by side where label and order agree: the
/// regimes of a model differ in kernels, hardly in launches.
void LayerReader::addStep(size_t step, const Json &launches) {
  std::map<std::string, size_t> next; // launch, by layer
  for (const Json &launch : launches) {
    std::string name = textUnder(launch, "layer");
    ExplainedLayer &in = layer(name);
    size_t index = findLaunch(in.launches, next[name],
                              inside(name, textUnder(launch, "label")));
    next[name] = index + 1;
    ExplainedLaunch &to = in.launches[index];
    if (step == 0) {
      to.bytes = numberUnder(launch, "weight_bytes") +
                 numberUnder(launch, "cache_bytes");
      to.products = numberUnder(launch, "products");
    }
    to.kernels.push_back(textUnder(launch, "kernel"));
    to.seconds.resize(step);
    to.seconds.push_back(numberUnder(launch, "seconds"));
  }
}

void LayerReader::addFusions(const Json &entry) {
  std::string name = textUnder(entry, "name"), fired;
  ExplainedLayer &in = layer(name);
  std::vector<std::pair<std::string, int>> counts;
  for (const Json &event : listUnder(entry, "fired")) {
    std::string fusion = textUnder(event, "fusion");
    if (fusion.empty())
      continue;
    if (counts.empty() || counts.back().first != fusion)
      counts.emplace_back(fusion, 0);
    ++counts.back().second;
  }
  for (const auto &[fusion, count] : counts)
    fired += fmt::format("{}{}{}", fired.empty() ? "" : ", ", fusion,
                         count > 1 ? fmt::format(" x{}", count) : "");
  if (!fired.empty())
    in.fusions += "  fired: " + fired + "\n";
  for (const Json &event : listUnder(entry, "refused"))
    in.fusions += fmt::format(
        "  refused: {} at {}: {}\n", textUnder(event, "fusion"),
        inside(name, textUnder(event, "at")), textUnder(event, "reason"));
}

std::vector<ExplainedLayer> explainedLayers(const Json &report) {
  LayerReader reader;
  const Json &steps = listUnder(report, "steps");
  for (size_t step = 0; step < std::min(steps.size(), kMostSteps); ++step)
    reader.addStep(step, listUnder(steps[step], "launches"));
  for (const Json &entry : listUnder(report, "layers"))
    reader.addFusions(entry);
  return std::move(reader.layers);
}

/// All that two layers must share to be alike.
static std::string kindOf(const ExplainedLayer &layer) {
  std::string kind = layer.fusions;
  for (const ExplainedLaunch &launch : layer.launches)
    kind += fmt::format("\n{}\t{}\t{}\t{}", launch.label, launch.kernelText(),
                        launch.bytes, launch.products);
  return kind;
}

std::vector<std::vector<size_t>>
alikeLayers(const std::vector<ExplainedLayer> &layers) {
  std::vector<std::vector<size_t>> groups;
  std::map<std::string, size_t> kinds;
  for (size_t i = 0; i < layers.size(); ++i) {
    auto [found, isNew] = kinds.emplace(kindOf(layers[i]), groups.size());
    if (isNew)
      groups.emplace_back();
    groups[found->second].push_back(i);
  }
  return groups;
}

std::string namesOf(const std::vector<ExplainedLayer> &layers,
                    const std::vector<size_t> &alike) {
  std::string names;
  for (size_t begin = 0, end; begin < alike.size(); begin = end) {
    end = begin + 1;
    while (end < alike.size() && alike[end] == alike[end - 1] + 1)
      ++end;
    names += (begin ? ", " : "") + layers[alike[begin]].name;
    if (end > begin + 1)
      names += (end > begin + 2 ? " .. " : ", ") + layers[alike[end - 1]].name;
  }
  if (alike.size() > 1)
    names += fmt::format(" ({} alike)", alike.size());
  return names;
}

} // namespace sinter
