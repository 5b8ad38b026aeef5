/// Joins the layers of the launches with those of the fusions, then prints each
/// kind of layer once.
#include "runtime/ExplainText.h"

#include "runtime/PrintableText.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace sinter {
namespace {

constexpr const char *kKeys[] = {"machine", "fusions", "inlined",  "steps",
                                 "layers",  "kernels", "resources"};

/// The list under a key; empty if there is none.
const Json &listOf(const Json &object, const char *key) {
  static const Json none = Json::array();
  if (!object.is_object() || !object.contains(key) || !object[key].is_array())
    return none;
  return object[key];
}

double numberOf(const Json &object, const char *key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_number())
    return 0;
  return object[key].get<double>();
}

std::string textOf(const Json &object, const char *key) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_string())
    return "";
  return printable(object[key].get<std::string>());
}

/// One launch, with its time in each kind of step.
struct Row {
  std::string label, kernel;
  double bytes = 0, products = 0; ///< in the first step
  std::vector<double> seconds;    ///< in each step
};

struct Layer {
  std::string name;
  std::string fusions; ///< what fired and what was refused, without the name
  std::vector<Row> rows;
};

/// `text` without the name of the layer it begins with.
std::string inside(const std::string &layer, std::string text) {
  if (text.size() > layer.size() && text.starts_with(layer) &&
      text[layer.size()] == '.')
    text.erase(0, layer.size() + 1);
  return text;
}

class Explainer {
public:
  explicit Explainer(const Json &report) : report(report) {}

  std::string text();

private:
  Layer &layer(const std::string &name);
  void addSteps();
  void addFusions();
  void printMachine();
  void printLayers();
  void printLayer(const Layer &layer, const std::string &names);
  void printKernels();
  void printResources();

  template <typename... Args>
  void print(fmt::format_string<Args...> format, Args &&...args) {
    fmt::format_to(std::back_inserter(out), format,
                   std::forward<Args>(args)...);
  }

  const Json &report;
  std::vector<Layer> layers;
  std::string out;
};

} // namespace

Layer &Explainer::layer(const std::string &name) {
  auto found = std::find_if(layers.begin(), layers.end(),
                            [&](const Layer &l) { return l.name == name; });
  if (found != layers.end())
    return *found;
  layers.push_back({name, "", {}});
  return layers.back();
}

/// The row of a label at or behind `index`; a new one where there is none.
static size_t findRow(std::vector<Row> &rows, size_t index,
                      const std::string &label, const Json &launch) {
  while (index < rows.size() && rows[index].label != label)
    ++index;
  if (index == rows.size()) {
    rows.emplace_back();
    rows.back().label = label;
    rows.back().kernel = textOf(launch, "kernel");
  }
  return index;
}

/// Launches of the steps stand side by side where label and order agree: the
/// regimes of a model differ in kernels, hardly in launches.
void Explainer::addSteps() {
  size_t step = 0;
  for (const Json &entry : listOf(report, "steps")) {
    std::map<std::string, size_t> next; // row, by layer
    for (const Json &launch : listOf(entry, "launches")) {
      std::string name = textOf(launch, "layer");
      Layer &in = layer(name);
      size_t index = findRow(in.rows, next[name],
                             inside(name, textOf(launch, "label")), launch);
      next[name] = index + 1;
      Row &row = in.rows[index];
      if (step == 0) {
        row.bytes =
            numberOf(launch, "weight_bytes") + numberOf(launch, "cache_bytes");
        row.products = numberOf(launch, "products");
      }
      row.seconds.resize(step);
      row.seconds.push_back(numberOf(launch, "seconds"));
    }
    ++step;
  }
}

void Explainer::addFusions() {
  for (const Json &entry : listOf(report, "layers")) {
    std::string name = textOf(entry, "name"), fired;
    Layer &in = layer(name);
    std::vector<std::pair<std::string, int>> counts;
    for (const Json &event : listOf(entry, "fired")) {
      std::string fusion = textOf(event, "fusion");
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
    for (const Json &event : listOf(entry, "refused"))
      in.fusions += fmt::format(
          "  refused: {} at {}: {}\n", textOf(event, "fusion"),
          inside(name, textOf(event, "at")), textOf(event, "reason"));
  }
}

void Explainer::printMachine() {
  if (report.is_object() && report.contains("machine")) {
    const Json &machine = report["machine"];
    print("machine: {}; {:g} threads read {:.0f} GB/s; each multiplies int8 "
          "{:.0f}, bf16 {:.0f}, float32 {:.0f} G/s\n",
          textOf(machine, "source"), numberOf(machine, "threads"),
          numberOf(machine, "read_bytes_per_second") * 1e-9,
          numberOf(machine, "int8_products_per_second") * 1e-9,
          numberOf(machine, "bf16_products_per_second") * 1e-9,
          numberOf(machine, "float32_products_per_second") * 1e-9);
  }
  for (const Json &step : listOf(report, "steps")) {
    double tokens = numberOf(step, "tokens");
    double seconds = numberOf(step, "seconds");
    print("a step of {:g} token{}: predicted {:.3f} ms ({:.1f} tokens/s), "
          "{:.2f} MB of weights, {:.3f} MB of cache, {:.1f} M multiply-adds "
          "a token, {} launches, {:g} barriers\n",
          tokens, tokens == 1 ? "" : "s", seconds * 1e3,
          seconds > 0 ? tokens / seconds : 0,
          numberOf(step, "weight_bytes") * 1e-6,
          numberOf(step, "cache_bytes") * 1e-6,
          numberOf(step, "products") * 1e-6 / std::max(1.0, tokens),
          listOf(step, "launches").size(), numberOf(step, "barriers"));
  }
}

static bool alike(const Layer &a, const Layer &b) {
  if (a.fusions != b.fusions || a.rows.size() != b.rows.size())
    return false;
  return std::equal(a.rows.begin(), a.rows.end(), b.rows.begin(),
                    [](const Row &x, const Row &y) {
                      return x.label == y.label && x.kernel == y.kernel &&
                             x.bytes == y.bytes && x.products == y.products;
                    });
}

void Explainer::printLayer(const Layer &layer, const std::string &names) {
  double bytes = 0, products = 0;
  std::vector<double> seconds;
  for (const Row &row : layer.rows) {
    bytes += row.bytes;
    products += row.products;
    seconds.resize(std::max(seconds.size(), row.seconds.size()));
    for (size_t i = 0; i < row.seconds.size(); ++i)
      seconds[i] += row.seconds[i];
  }
  print("\n{}\n{}", names, layer.fusions);
  if (layer.rows.empty())
    return;
  auto times = [&](const std::vector<double> &list) {
    std::string text;
    for (double time : list)
      text += fmt::format(" {:>11.1f}", time * 1e6);
    return text;
  };
  std::string heads;
  for (const Json &step : listOf(report, "steps"))
    heads += fmt::format(" {:>8} tok", numberOf(step, "tokens"));
  print("  {:<30} {:>9} {:>9}{}  kernel\n", "predicted us", "MB", "MMAC",
        heads);
  for (const Row &row : layer.rows)
    print("  {:<30} {:>9.3f} {:>9.3f}{}  {}\n", row.label, row.bytes * 1e-6,
          row.products * 1e-6, times(row.seconds), row.kernel);
  print("  {:<30} {:>9.3f} {:>9.3f}{}\n", "all", bytes * 1e-6, products * 1e-6,
        times(seconds));
}

/// In the order in which a step comes by; with it the names of all its like.
void Explainer::printLayers() {
  std::vector<bool> done(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    if (done[i])
      continue;
    std::string names = layers[i].name;
    size_t run = i, count = 1;
    auto endRun = [&](size_t last) {
      if (last > run + 1)
        names += fmt::format(" .. {}", layers[last].name);
      else if (last > run)
        names += fmt::format(", {}", layers[last].name);
    };
    size_t last = i;
    for (size_t k = i + 1; k < layers.size(); ++k) {
      if (done[k] || !alike(layers[i], layers[k]))
        continue;
      done[k] = true;
      ++count;
      if (k != last + 1) {
        endRun(last);
        names += ", " + layers[k].name;
        run = k;
      }
      last = k;
    }
    endRun(last);
    if (count > 1)
      names += fmt::format(" ({} alike)", count);
    printLayer(layers[i], names);
  }
}

void Explainer::printKernels() {
  const Json &kernels = listOf(report, "kernels");
  if (!kernels.empty())
    print("\nkernels: class, unit, tile, why\n");
  for (const Json &kernel : kernels) {
    print("  {} {} {} <{}>\n", textOf(kernel, "name"), textOf(kernel, "class"),
          textOf(kernel, "unit"), textOf(kernel, "tile"));
    if (std::string reason = textOf(kernel, "reason"); !reason.empty())
      print("      {}\n", reason);
  }
}

/// What machine code for a GPU needs of it.
void Explainer::printResources() {
  const Json &resources = listOf(report, "resources");
  if (!resources.empty())
    print("\nresources: threads, registers, bytes of shared memory, warps that "
          "a multiprocessor holds\n");
  for (const Json &kernel : resources) {
    print("  {:4} {:4} {:6} {:3} of {:<3} {}\n", numberOf(kernel, "threads"),
          numberOf(kernel, "registers"), numberOf(kernel, "shared_bytes"),
          numberOf(kernel, "resident_warps"), numberOf(kernel, "most_warps"),
          textOf(kernel, "name"));
    if (std::string obstacle = textOf(kernel, "obstacle"); !obstacle.empty())
      print("      {}\n", obstacle);
  }
  if (std::string why = textOf(report, "no_later_gpus"); !why.empty())
    print("no PTX for later GPUs: {}\n", why);
}

std::string Explainer::text() {
  addSteps();
  addFusions();
  printMachine();
  for (const Json &reason : listOf(report, "inlined"))
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
