/// Prints a report key by key, and each kind of layer once.
#include "runtime/ExplainText.h"

#include "runtime/ExplainLayers.h"
#include "runtime/PrintableText.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

namespace sinter {
namespace {

constexpr const char *kKeys[] = {"machine",   "fusions",      "inlined",
                                 "steps",     "layers",       "kernels",
                                 "resources", "no_later_gpus"};

/// Columns of a label: most fit the least; one from a stranger may be long.
constexpr size_t kLeastLabel = 30, kMostLabel = 60;

class Explainer {
public:
  explicit Explainer(const Json &report) : report(report) {
    const Json &steps = listUnder(report, "steps");
    for (size_t i = 0; i < std::min(steps.size(), kMostSteps); ++i)
      stepTokens.push_back(numberUnder(steps[i], "tokens"));
  }

  std::string text();

private:
  void printMachine();
  void printLayers();
  void printHeads(size_t labelWidth);
  void printLaunch(const ExplainedLaunch &launch, size_t labelWidth);
  void printLayer(const ExplainedLayer &layer, const std::string &names);
  void printKernels();
  void printResources();

  template <typename... Args>
  void print(fmt::format_string<Args...> format, Args &&...args) {
    fmt::format_to(std::back_inserter(out), format,
                   std::forward<Args>(args)...);
  }

  const Json &report;
  std::vector<double> stepTokens; ///< of each kind of step
  std::string out;
};

} // namespace

void Explainer::printMachine() {
  if (report.is_object() && report.contains("machine")) {
    const Json &machine = report["machine"];
    print("machine: {}; {:g} threads read {:.0f} GB/s; each multiplies",
          textUnder(machine, "source"), numberUnder(machine, "threads"),
          numberUnder(machine, "read_bytes_per_second") * 1e-9);
    const char *before = "";
    for (const char *type : {"int8", "bf16", "float32"}) {
      std::string key = fmt::format("{}_products_per_second", type);
      if (double rate = numberUnder(machine, key.c_str()); rate > 0)
        print("{} {} {:.0f}", std::exchange(before, ","), type, rate * 1e-9);
    }
    print(" G/s\n");
  }
  for (const Json &step : listUnder(report, "steps")) {
    double tokens = numberUnder(step, "tokens");
    double seconds = numberUnder(step, "seconds");
    print("a step of {:g} token{}: predicted {:.3f} ms ({:.1f} tokens/s), "
          "{:.2f} MB of weights, {:.3f} MB of cache, {:.1f} M multiply-adds "
          "a token, {} launches, {:g} barriers\n",
          tokens, tokens == 1 ? "" : "s", seconds * 1e3,
          seconds > 0 ? tokens / seconds : 0,
          numberUnder(step, "weight_bytes") * 1e-6,
          numberUnder(step, "cache_bytes") * 1e-6,
          numberUnder(step, "products") * 1e-6 / std::max(1.0, tokens),
          listUnder(step, "launches").size(), numberUnder(step, "barriers"));
  }
}

void Explainer::printHeads(size_t labelWidth) {
  std::string times;
  for (double count : stepTokens)
    times += fmt::format(" {:>11}", fmt::format("{} tok us", count));
  print("  {:<{}} {:>9} {:>9}{}  kernel\n", "launch", labelWidth, "MB", "MMAC",
        times);
}

/// A dash stands where the step does without the launch.
void Explainer::printLaunch(const ExplainedLaunch &launch, size_t labelWidth) {
  std::string times;
  for (size_t i = 0; i < stepTokens.size(); ++i)
    times += i < launch.seconds.size() && launch.seconds[i]
                 ? fmt::format(" {:>11.1f}", *launch.seconds[i] * 1e6)
                 : fmt::format(" {:>11}", "-");
  std::string kernel = launch.kernelText();
  print("  {:<{}} {:>9.3f} {:>9.3f}{}{}{}\n", launch.label, labelWidth,
        launch.bytes * 1e-6, launch.products * 1e-6, times,
        kernel.empty() ? "" : "  ", kernel);
}

void Explainer::printLayer(const ExplainedLayer &layer,
                           const std::string &names) {
  print("\n{}\n{}", names, layer.fusions);
  if (layer.launches.empty())
    return;
  ExplainedLaunch all;
  all.label = "all";
  all.seconds.resize(stepTokens.size(), 0.0);
  size_t labelWidth = kLeastLabel;
  for (const ExplainedLaunch &row : layer.launches) {
    all.bytes += row.bytes;
    all.products += row.products;
    labelWidth = std::max(labelWidth, row.label.size());
    for (size_t i = 0; i < row.seconds.size(); ++i)
      *all.seconds[i] += row.seconds[i].value_or(0);
  }
  labelWidth = std::min(labelWidth, kMostLabel);
  printHeads(labelWidth);
  for (const ExplainedLaunch &row : layer.launches)
    printLaunch(row, labelWidth);
  printLaunch(all, labelWidth);
}

void Explainer::printLayers() {
  const std::vector<ExplainedLayer> layers = explainedLayers(report);
  if (!layers.empty() && !stepTokens.empty())
    print("launches by layer: MB of weights, caches and states and M "
          "multiply-adds in a step of {} token{}; microseconds predicted in "
          "each\n",
          stepTokens.front(), stepTokens.front() == 1 ? "" : "s");
  for (const std::vector<size_t> &alike : alikeLayers(layers))
    printLayer(layers[alike.front()], namesOf(layers, alike));
}

void Explainer::printKernels() {
  const Json &kernels = listUnder(report, "kernels");
  if (!kernels.empty())
    print("\nkernels: class, unit, tile, why\n");
  for (const Json &kernel : kernels) {
    std::string tile = textUnder(kernel, "tile");
    print("  {} {} {}{}\n", textUnder(kernel, "name"),
          textUnder(kernel, "class"), textUnder(kernel, "unit"),
          tile.empty() ? "" : " <" + tile + ">");
    if (std::string reason = textUnder(kernel, "reason"); !reason.empty())
      print("      {}\n", reason);
  }
}

/// What machine code for a GPU needs of it.
void Explainer::printResources() {
  const Json &resources = listUnder(report, "resources");
  if (!resources.empty())
    print("\nresources: threads, registers, bytes of shared memory, warps that "
          "a multiprocessor holds\n");
  for (const Json &kernel : resources) {
    print("  {:4} {:4} {:6} {:3} of {:<3} {}\n", numberUnder(kernel, "threads"),
          numberUnder(kernel, "registers"), numberUnder(kernel, "shared_bytes"),
          numberUnder(kernel, "resident_warps"),
          numberUnder(kernel, "most_warps"), textUnder(kernel, "name"));
    if (std::string obstacle = textUnder(kernel, "obstacle"); !obstacle.empty())
      print("      {}\n", obstacle);
  }
  if (std::string why = textUnder(report, "no_later_gpus"); !why.empty())
    print("no PTX for later GPUs: {}\n", why);
}

std::string Explainer::text() {
  printMachine();
  for (const Json &reason : listUnder(report, "inlined"))
    if (reason.is_string())
      print("inlined: {}\n", printable(reason.get<std::string>()));
  printLayers();
  printKernels();
  printResources();
  return std::move(out);
}

std::string explainText(const Json &report) { return Explainer(report).text(); }

Json explainJson(const Json &report) {
  Json json = Json::object();
  for (const char *key : kKeys)
    if (report.is_object() && report.contains(key))
      json[key] = report[key];
  return json;
}

} // namespace sinter
