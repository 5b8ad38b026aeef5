/// `inspect`: an artifact as text that stays the same from run to run, for
/// readers, for FileCheck, and as JSON for programs.
#include "runtime/Artifact.h"
#include "runtime/ArtifactDiff.h"
#include "runtime/ExplainText.h"
#include "runtime/JsonText.h"
#include "runtime/ModelInfo.h"
#include "runtime/PrintableText.h"
#include "runtime/Status.h"
#include "tools/Program.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <span>
#include <string>

using namespace sinter;

namespace {

struct Options {
  std::string model, other;
  bool json = false, explain = false, diff = false;
};

const char *dimensionName(ItemDimension dimension) {
  switch (dimension) {
  case ItemDimension::One:
    return "one";
  case ItemDimension::Tokens:
    return "tokens";
  case ItemDimension::Rows:
    return "rows";
  }
  return "?";
}

const char *resultName(ResultKind result) {
  switch (result) {
  case ResultKind::Logits:
    return "logits";
  case ResultKind::Embedding:
    return "embedding";
  case ResultKind::Scores:
    return "scores";
  }
  return "?";
}

/// "arena+0x40", "weights+0x1000", "state 3", "rope 0", "logits".
std::string operandText(const PlanOperand &operand) {
  switch (operand.kind) {
  case OperandKind::Arena:
    return fmt::format("arena+{:#x}", operand.offset);
  case OperandKind::Weight:
    return fmt::format("weights+{:#x}", operand.offset);
  case OperandKind::State:
    return fmt::format("state {}", operand.index);
  case OperandKind::RopeTable:
    return fmt::format("rope {}", operand.index);
  case OperandKind::Logits:
    return "logits";
  }
  return "?";
}

const char *barrierName(LaunchBarrier barrier) {
  return barrier == LaunchBarrier::None     ? "none"
         : barrier == LaunchBarrier::Always ? "always"
         : barrier == LaunchBarrier::Batch  ? "batch"
                                            : "unshared";
}

std::string name(const Plan &plan, uint32_t offset) {
  return printable(plan.string(offset));
}

const char *stateName(StateKind kind) {
  return kind == StateKind::Recurrent ? "recurrent" : "kv_cache";
}

Json describeLaunch(const Plan &plan, const PlanLaunch &launch) {
  Json operands = Json::array();
  for (uint32_t i = 0; i < launch.operandCount; ++i)
    operands.push_back(operandText(plan.operands[launch.firstOperand + i]));
  return {{"kernel", name(plan, plan.kernels[launch.kernel].name)},
          {"operands", operands},
          {"dimension", dimensionName(launch.dimension)},
          {"count", launch.count},
          {"tile", launch.tile},
          {"barrier", barrierName(launch.barrier)},
          {"replicated", launch.replicated != 0},
          {"shares", launch.shares},
          {"label", name(plan, launch.label)},
          {"weight_bytes", launch.weightBytes},
          {"weight_share_per_row", launch.weightShare},
          {"products_per_row", launch.products},
          {"products_per_position", launch.cacheProducts},
          {"state_bytes_per_sequence", launch.stateBytes},
          {"copied_bytes_per_sequence", launch.copiedBytes},
          {"rows", launch.workRows ? "outputs" : "tokens"}};
}

Json describePlan(const Plan &plan) {
  Json states = Json::array();
  for (const PlanState &state : plan.states)
    states.push_back({{"name", name(plan, state.name)},
                      {"kind", stateName(state.kind)},
                      {"element", elementName(state.element)},
                      {"kv_heads", state.kvHeads},
                      {"key_width", state.keyWidth},
                      {"value_width", state.valueWidth},
                      {"page_bytes", state.pageBytes},
                      {"window", state.window}});
  Json ropes = Json::array();
  for (const PlanRopeTable &rope : plan.ropeTables)
    ropes.push_back({{"pairs", rope.pairs},
                     {"magnitude", rope.magnitude},
                     {"temperature", rope.temperature},
                     {"temperature_length", rope.temperatureLength},
                     {"frequencies", rope.frequencies}});
  Json regimes = Json::array();
  for (const PlanRegime &regime : plan.regimes) {
    Json launches = Json::array();
    for (uint32_t i = 0; i < regime.launchCount; ++i)
      launches.push_back(
          describeLaunch(plan, plan.launches[regime.firstLaunch + i]));
    regimes.push_back({{"max_tokens", regime.maxTokens},
                       {"arena_bytes", regime.arenaBytes},
                       {"launches", launches}});
  }
  return {{"vocabulary", plan.vocabulary},
          {"context_length", plan.contextLength},
          {"page_tokens", plan.pageTokens},
          {"result", resultName(plan.result)},
          {"result_width", plan.resultWidth},
          {"result_rows",
           plan.rows == ResultRows::Sequences ? "sequences" : "tokens"},
          {"whole_sequences", plan.wholeSequences},
          {"positions", plan.positions},
          {"kernels", plan.kernels.size()},
          {"states", states},
          {"rope_tables", ropes},
          {"regimes", regimes}};
}

/// A JSON section as a value; null if it is absent or no JSON.
Json describeSection(std::span<const std::byte> section) {
  Json json = parseJson(section);
  return json.is_discarded() ? Json(nullptr) : json;
}

/// Machine code for a GPU: which GPUs run it, and what each kernel needs.
Json describeCode(const DeviceCode &code, const Plan &plan) {
  Json kernels = Json::array();
  for (size_t i = 0; i < code.kernels.size(); ++i) {
    const DeviceKernel &kernel = code.kernels[i];
    kernels.push_back({{"name", name(plan, plan.kernels[i].name)},
                       {"threads", kernel.threads},
                       {"registers", kernel.registers},
                       {"shared_bytes", kernel.shared},
                       {"dynamic_shared_bytes", kernel.dynamicShared},
                       {"stack_bytes", kernel.stack},
                       {"spill_bytes", kernel.spills},
                       {"resident_warps", kernel.residentWarps},
                       {"code_bytes", kernel.codeBytes},
                       {"ptx_bytes", kernel.textBytes}});
  }
  return {{"capability", code.header.capability},
          {"exact", code.header.exact != 0},
          {"ptx_capability", code.header.textCapability},
          {"kernels", kernels}};
}

Json describeTarget(const ArtifactTarget &target) {
  Json json = {{"name", printable(target.machine.name)},
               {"plan", describePlan(target.plan)},
               {"report", describeSection(target.report)}};
  if (target.code)
    json["device_code"] = describeCode(*target.code, target.plan);
  return json;
}

Json describe(const Artifact &artifact) {
  const FileHeader &header = artifact.view().header();
  Json sections = Json::array();
  for (const SectionEntry &entry : artifact.view().sections())
    sections.push_back({{"kind", sectionName(entry.kind)},
                        {"target", entry.target},
                        {"offset", entry.offset},
                        {"bytes", entry.bytes},
                        {"hash", fmt::format("{:016x}", entry.hash)}});
  Json targets = Json::array();
  for (const ArtifactTarget &target : artifact.targets())
    targets.push_back(describeTarget(target));
  return {{"version", header.version},
          {"bytes", header.fileBytes},
          {"sections", sections},
          {"manifest",
           describeSection(artifact.view().section(SectionKind::Manifest))},
          {"targets", targets}};
}

void printPlan(const Json &plan) {
  fmt::print("\nplan: vocabulary {}, context {}, pages of {} tokens, {} "
             "kernels\n",
             plan["vocabulary"].get<uint32_t>(),
             plan["context_length"].get<uint32_t>(),
             plan["page_tokens"].get<uint32_t>(),
             plan["kernels"].get<size_t>());
  if (plan["result"] != "logits")
    fmt::print(
        "result: {} of {} numbers for each of {}{}\n",
        plan["result"].get<std::string>(), plan["result_width"].get<uint32_t>(),
        plan["result_rows"].get<std::string>(),
        plan["whole_sequences"].get<bool>() ? ", texts whole in one step" : "");
  size_t index = 0;
  for (const Json &state : plan["states"]) {
    auto window = state["window"].get<uint32_t>();
    fmt::print(
        "state {}: {} {} {}, {} heads, key {}, value {}, {} of {} bytes{}\n",
        index++, state["name"].get<std::string>(),
        state["kind"].get<std::string>(), state["element"].get<std::string>(),
        state["kv_heads"].get<uint32_t>(), state["key_width"].get<uint32_t>(),
        state["value_width"].get<uint32_t>(),
        state["kind"] == "recurrent" ? "slot" : "page",
        state["page_bytes"].get<uint64_t>(),
        window ? fmt::format(", window {}", window) : "");
  }
  index = 0;
  for (const Json &rope : plan["rope_tables"]) {
    std::string temperature;
    if (float value = rope["temperature"].get<float>(); value != 0)
      temperature = fmt::format("temperature {} per {} tokens, ", value,
                                rope["temperature_length"].get<uint32_t>());
    fmt::print("rope {}: {} pairs, magnitude {}, {}frequencies at "
               "weights+{:#x}\n",
               index++, rope["pairs"].get<uint32_t>(),
               rope["magnitude"].get<float>(), temperature,
               rope["frequencies"].get<uint64_t>());
  }
}

/// A bar before the kernel is a barrier, a colon one that a token may spare;
/// "tokens/4 x8" are 8 items for every 4 tokens.
void printRegime(size_t index, const Json &regime) {
  fmt::print("\nregime {}: up to {} tokens, arena of {} bytes, {} launches\n",
             index, regime["max_tokens"].get<uint32_t>(),
             regime["arena_bytes"].get<uint64_t>(), regime["launches"].size());
  size_t number = 0;
  for (const Json &launch : regime["launches"]) {
    std::string operands;
    for (const Json &operand : launch["operands"])
      operands += (operands.empty() ? "" : ", ") + operand.get<std::string>();
    fmt::print("{:5} {} {}({}) {}/{} x{}  ; {}\n", number++,
               launch["barrier"] == "always" ? '|'
               : launch["barrier"] != "none" ? ':'
                                             : ' ',
               launch["kernel"].get<std::string>(), operands,
               launch["dimension"].get<std::string>(),
               launch["tile"].get<uint32_t>(), launch["count"].get<uint32_t>(),
               launch["label"].get<std::string>());
  }
}

void printCode(const Json &code) {
  const auto ptx = code["ptx_capability"].get<uint32_t>();
  fmt::print("\ndevice code: for compute capability {}{}{}\n",
             code["capability"].get<uint32_t>(),
             code["exact"].get<bool>() ? "" : " and later minor ones",
             ptx ? fmt::format(", PTX from {} on", ptx) : "");
  fmt::print("threads registers shared spills warps    bytes kernel\n");
  for (const Json &kernel : code["kernels"])
    fmt::print("{:7} {:9} {:6} {:6} {:5} {:8} {}\n",
               kernel["threads"].get<uint32_t>(),
               kernel["registers"].get<uint32_t>(),
               kernel["shared_bytes"].get<uint32_t>() +
                   kernel["dynamic_shared_bytes"].get<uint32_t>(),
               kernel["spill_bytes"].get<uint32_t>(),
               kernel["resident_warps"].get<uint32_t>(),
               kernel["code_bytes"].get<uint64_t>(),
               kernel["name"].get<std::string>());
}

void printTarget(const Json &target) {
  printPlan(target["plan"]);
  size_t index = 0;
  for (const Json &regime : target["plan"]["regimes"])
    printRegime(index++, regime);
  if (target.contains("device_code"))
    printCode(target["device_code"]);
  Json report = target["report"];
  if (report.is_null())
    return;
  // As long as the plan, and --explain prints them.
  if (report.is_object()) {
    report.erase("steps");
    report.erase("layers");
  }
  fmt::print("\nreport: {}\n", dumpJson(report, 2));
}

void printText(const Json &artifact) {
  fmt::print("artifact version {}, {} bytes, {} sections\n",
             artifact["version"].get<uint32_t>(),
             artifact["bytes"].get<uint64_t>(), artifact["sections"].size());
  for (const Json &section : artifact["sections"]) {
    std::string label = section["kind"].get<std::string>();
    if (auto target = section["target"].get<uint32_t>())
      label += fmt::format(" {}", target);
    fmt::print("section {:<10} offset {:>12} bytes {:>12} hash {}\n", label,
               section["offset"].get<uint64_t>(),
               section["bytes"].get<uint64_t>(),
               section["hash"].get<std::string>());
  }
  fmt::print("\nmanifest: {}\n", dumpJson(artifact["manifest"], 2));
  const Json &targets = artifact["targets"];
  for (size_t i = 0; i < targets.size(); ++i) {
    if (targets.size() > 1)
      fmt::print("\ntarget {}: {}\n", i, targets[i]["name"].get<std::string>());
    printTarget(targets[i]);
  }
}

/// What the compiler says of each layer, for one target after the other.
Status explain(const Artifact &artifact, bool json) {
  Json all = Json::array();
  for (const ArtifactTarget &target : artifact.targets()) {
    Json report = describeSection(target.report);
    if (!report.is_object() || !report.contains("steps"))
      return Status(Code::NotFound,
                    "'" + printable(artifact.path()) +
                        "': its report explains nothing; compile it again");
    all.push_back(explainJson(report));
    if (json)
      continue;
    if (artifact.targets().size() > 1)
      fmt::print("target {}\n", printable(target.machine.name));
    fmt::print("{}", explainText(report));
  }
  if (json)
    fmt::print("{}\n", dumpJson(all.size() > 1 ? all : all.front(), 2));
  return {};
}

Status inspect(const Options &options) {
  Result<Artifact> artifact = Artifact::open(options.model);
  if (!artifact.ok())
    return artifact.status();
  if (options.explain)
    return explain(*artifact, options.json);
  Json description = describe(*artifact);
  if (options.json)
    fmt::print("{}\n", dumpJson(description, 2));
  else
    printText(description);
  return {};
}

/// As diff(1) ends: 0 if equal, 1 if not, 2 in trouble.
int diff(const CLI::App &app, const Options &options) {
  auto fail = [&](const Status &status) {
    return endWithError(app, status.message().c_str(), 2);
  };
  Result<Artifact> a = Artifact::open(options.model);
  if (!a.ok())
    return fail(a.status());
  Result<Artifact> b = Artifact::open(options.other);
  if (!b.ok())
    return fail(b.status());
  Json difference = diffArtifacts(*a, *b);
  if (options.json)
    fmt::print("{}\n", dumpJson(difference, 2));
  else
    fmt::print("{}", diffText(difference));
  return difference["equal"] == true ? 0 : 1;
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Shows what is in a compiled model", "inspect");
  Options options;
  app.add_option("model", options.model, "compiled model")->required();
  app.add_option("other", options.other, "with --diff: the second model");
  app.add_flag("--diff", options.diff,
               "what differs between two models; ends with 1 if they do");
  app.add_flag("--explain", options.explain,
               "what became of each layer, and the time it should take");
  app.add_flag("--json", options.json, "print JSON");
  int code = 0;
  int failed = runProgram(app, argc, argv, [&]() -> Status {
    if (options.diff && options.other.empty())
      throw CLI::RequiredError("--diff: a second model");
    if (!options.diff && !options.other.empty())
      throw CLI::ExtrasError({options.other});
    if (options.diff && options.explain)
      throw CLI::ExcludesError("--diff", "--explain");
    if (!options.diff)
      return inspect(options);
    code = diff(app, options);
    return {};
  });
  return failed ? failed : code;
}
