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

class Explainer {
public:
  explicit Explainer(const Json &report) : report(report) {}

  std::string text();

private:
  void printMachine();
  void printLayers();
  void printLayer(const ExplainedLayer &layer, const std::string &names);
  void printKernels();
  void printResources();

  template <typename... Args>
  void print(fmt::format_string<Args...> format, Args &&...args) {
    fmt::format_to(std::back_inserter(out), format,
                   std::forward<Args>(args)...);
  }

  const Json &report;
  std::string out;
};

} // namespace

void Explainer::printMachine() {
  if (report.is_object() && report.contains("machine")) {
    const Json &machine = report["machine"];
    print("machine: {}; {:g} threads read {:.0f} GB/s; each multiplies int8 "
          "{:.0f}, bf16 {:.0f}, float32 {:.0f} G/s\n",
          textUnder(machine, "source"), numberUnder(machine, "threads"),
          numberUnder(machine, "read_bytes_per_second") * 1e-9,
          numberUnder(machine, "int8_products_per_second") * 1e-9,
          numberUnder(machine, "bf16_products_per_second") * 1e-9,
          numberUnder(machine, "float32_products_per_second") * 1e-9);
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

void Explainer::printLayer(const ExplainedLayer &layer,
                           const std::string &names) {
  double bytes = 0, products = 0;
  std::vector<double> seconds;
  for (const ExplainedLaunch &row : layer.launches) {
    bytes += row.bytes;
    products += row.products;
    seconds.resize(std::max(seconds.size(), row.seconds.size()));
    for (size_t i = 0; i < row.seconds.size(); ++i)
      seconds[i] += row.seconds[i];
  }
  print("\n{}\n{}", names, layer.fusions);
  if (layer.launches.empty())
    return;
  auto times = [&](const std::vector<double> &list) {
    std::string text;
    for (double time : list)
      text += fmt::format(" {:>11.1f}", time * 1e6);
    return text;
  };
  std::string heads;
  const Json &steps = listUnder(report, "steps");
  for (size_t i = 0; i < std::min(steps.size(), kMostSteps); ++i)
    heads += fmt::format(" {:>8} tok", numberUnder(steps[i], "tokens"));
  print("  {:<30} {:>9} {:>9}{}  kernel\n", "predicted us", "MB", "MMAC",
        heads);
  for (const ExplainedLaunch &row : layer.launches)
    print("  {:<30} {:>9.3f} {:>9.3f}{}  {}\n", row.label, row.bytes * 1e-6,
          row.products * 1e-6, times(row.seconds), row.kernel);
  print("  {:<30} {:>9.3f} {:>9.3f}{}\n", "all", bytes * 1e-6, products * 1e-6,
        times(seconds));
}

void Explainer::printLayers() {
  const std::vector<ExplainedLayer> layers = explainedLayers(report);
  for (const std::vector<size_t> &alike : alikeLayers(layers))
    printLayer(layers[alike.front()], namesOf(layers, alike));
}

void Explainer::printKernels() {
  const Json &kernels = listUnder(report, "kernels");
  if (!kernels.empty())
    print("\nkernels: class, unit, tile, why\n");
  for (const Json &kernel : kernels) {
    print("  {} {} {} <{}>\n", textUnder(kernel, "name"),
          textUnder(kernel, "class"), textUnder(kernel, "unit"),
          textUnder(kernel, "tile"));
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
