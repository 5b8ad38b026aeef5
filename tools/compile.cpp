/// Compiles a GGUF model: flags to options, options to the compiler, its report
/// to the terminal.
#include "compiler/Compiler.h"
#include "compiler/Pipeline.h"
#include "runtime/ExplainText.h"
#include "runtime/JsonText.h"
#include "runtime/cpu/ThreadPool.h"
#include "tools/Program.h"
#include "tools/TileTuning.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <unistd.h>
#include <utility>

using namespace sinter;

namespace {

struct Arguments {
  CompileOptions options;
  std::string model, output, describe, progress = "auto";
  int fusionLevel = 1;
  std::string activations = "int8", scan = "step", emit = "artifact";
  bool json = false, listPasses = false, explain = false;
  bool tune = false, noTunedTiles = false, emulatedOnly = false;
  unsigned tuneRepeat = 5, tuneRounds = 0;
};

} // namespace

static constexpr std::pair<const char *, Emit> kEmits[] = {
    {"graph", Emit::Graph},       {"tile", Emit::Tile},
    {"plan", Emit::Plan},         {"llvm", Emit::Llvm},
    {"asm", Emit::Assembly},      {"cuda", Emit::Cuda},
    {"ptx", Emit::Ptx},           {"resources", Emit::Resources},
    {"artifact", Emit::Artifact},
};

/// --no-<pass> is not declared one by one: names come from the pipeline, and an
/// unknown one is answered by it.
static void takeDisabled(CLI::App &app, Arguments &arguments) {
  for (const std::string &rest : app.remaining()) {
    if (rest.rfind("--no-", 0) != 0 || rest.find('=') != std::string::npos)
      throw CLI::ExtrasError({rest});
    arguments.options.disabled.push_back(rest.substr(5));
  }
}

static std::string footer() {
  return "Passes, in order, and how to switch them off:\n" + listPasses();
}

static void declareTuning(CLI::App &app, Arguments &a) {
  app.add_flag("--tune", a.tune,
               "measure tiles on this machine first and keep those that gain, "
               "for this and later compilations");
  app.add_option("--tune-repeat", a.tuneRepeat, "pairs of runs of each tile")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--tune-rounds", a.tuneRounds,
                 "candidates of each kernel (default: all)")
      ->check(CLI::Range(1, 1000));
  app.add_flag("--no-tuned-tiles", a.noTunedTiles,
               "leave all tiles to the rules");
}

static void declare(CLI::App &app, Arguments &a) {
  app.add_option("model", a.model, "GGUF file, or the first of its parts");
  app.add_option("-o,--output", a.output,
                 "file to write; default: MODEL with .sinter, or stdout for "
                 "text");
  app.add_option("--target", a.options.targets,
                 "native, x86-64-v3, x86-64-v4, or a GPU such as sm_121; "
                 "several make one file")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->default_str("native");
  app.add_flag("--emulated-only", a.emulatedOnly,
               "no machine code for GPUs: the text of their kernels, for "
               "--device emulated");
  app.add_option("--emit", a.emit,
                 "graph, tile, plan, llvm, asm or artifact; of a GPU's kernels "
                 "cuda, ptx or resources")
      ->check(CLI::IsMember({"graph", "tile", "plan", "llvm", "asm", "cuda",
                             "ptx", "resources", "artifact"}))
      ->capture_default_str();
  app.add_option("--report", a.options.report,
                 "write the fusion report as JSON");
  app.add_option("--remarks", a.options.remarks,
                 "show what a pass did and refused")
      ->delimiter(',');
  app.add_option("--fusion-level", a.fusionLevel, "0: no fusions")
      ->check(CLI::Range(0, 1))
      ->capture_default_str();
  app.add_option("--require-fusion", a.options.required,
                 "fail unless this fusion fires as often as expected")
      ->delimiter(',');
  app.add_option("--kv-cache,--kv", a.options.kvCache,
                 "what KV caches hold: auto (f16, or bf16 where that is "
                 "faster and the model rounds more), f32, f16, bf16, q8_0 "
                 "(about half of f16's bytes) or fp8 (half)")
      ->check(CLI::IsMember({"auto", "f32", "f16", "bf16", "q8_0", "fp8"}))
      ->capture_default_str();
  app.add_option("--activations", a.activations,
                 "what quantised matrices are multiplied with: int8, or fp4 "
                 "for MXFP4 and NVFP4 on sm_120 and sm_121 (faster prefill, "
                 "much less accurate)")
      ->check(CLI::IsMember({"int8", "fp4"}))
      ->capture_default_str();
  app.add_option("--scan", a.scan,
                 "how gated delta nets walk a text: step, token by token, or "
                 "chunked, 16 tokens at a time on GPUs from sm_80 on (for long "
                 "prompts; rounds more)")
      ->check(CLI::IsMember({"step", "chunked"}))
      ->capture_default_str();
  app.add_option("--chunk", a.options.chunk,
                 "tokens of the largest step (default: 512, or the whole "
                 "context, up to 8192, where the model reads texts whole)");
  app.add_option("--pooling", a.options.pooling,
                 "rows of a text that the model gives, in place of what its "
                 "file says: none, mean, cls, last or rank")
      ->check(CLI::IsMember({"none", "mean", "cls", "last", "rank"}));
  declareTuning(app, a);
  app.add_option("--threads", a.options.threads, "threads (default: all)")
      ->check(CLI::Range(1, kMaxThreads));
  app.add_option("--describe-arch", a.describe,
                 "print the keys and tensors that a model family needs");
  app.add_option("--progress", a.progress, "auto, json or none")
      ->check(CLI::IsMember({"auto", "json", "none"}))
      ->capture_default_str();
  app.add_flag("--explain", a.explain,
               "print what became of each layer, and the time it should take");
  app.add_flag("--json", a.json, "print the result as JSON on stdout");
  app.add_flag("--list-passes", a.listPasses, "print the pipeline");
  app.allow_extras();
  app.footer(footer);
}

static Status fail(const std::string &message) {
  return Status(Code::InvalidArgument, message);
}

/// MODEL.gguf -> MODEL.sinter; text goes to stdout.
static std::string defaultOutput(const Arguments &a) {
  if (a.options.emit != Emit::Artifact)
    return "-";
  std::string name = a.model;
  if (name.size() > 5 && name.ends_with(".gguf"))
    name.resize(name.size() - 5);
  return name + ".sinter";
}

static ProgressStyle progressStyle(const Arguments &a) {
  if (a.progress == "json")
    return ProgressStyle::Json;
  return a.progress == "auto" && isatty(STDERR_FILENO) ? ProgressStyle::Terminal
                                                       : ProgressStyle::Silent;
}

/// What the fusions did for one target; `named` where there are others.
static void showTarget(const Arguments &a, const TargetResult &target,
                       bool named) {
  if (named && a.explain)
    fmt::print("target {}\n", target.name);
  if (a.explain)
    fmt::print("{}", explainText(Json::parse(target.report.json())));
  if (named)
    fmt::print(stderr, "target {}\n", target.name);
  fmt::print(stderr, "{}", target.report.table());
}

static size_t kernelCount(const CompileResult &result) {
  size_t count = 0;
  for (const TargetResult &target : result.targets)
    count += target.report.kernels.size();
  return count;
}

/// Of the section that all targets share.
static double weightBytes(const CompileResult &result) {
  uint64_t bytes = 0;
  for (const TargetResult &target : result.targets)
    bytes = std::max(bytes, target.report.weightBytes);
  return double(bytes);
}

/// Remarks and warnings, then the table, on stderr; JSON or the explanation on
/// stdout.
static Status show(const Arguments &a, const CompileResult &result,
                   const std::string &output) {
  for (const std::string &warning : result.warnings)
    fmt::print(stderr, "warning: {}\n", warning);
  for (const std::string &remark : result.remarks)
    fmt::print(stderr, "{}\n", remark);
  if (a.json) {
    Json json;
    json["model"] = result.model.name;
    json["output"] = output;
    for (const TargetResult &target : result.targets)
      json["targets"].push_back(
          {{"name", target.name},
           {"report", Json::parse(target.report.json())}});
    fmt::print("{}\n", dumpJson(json, 2));
    return {};
  }
  for (const TargetResult &target : result.targets)
    showTarget(a, target, result.targets.size() > 1);
  if (a.options.emit == Emit::Artifact)
    fmt::print(stderr, "{}: {} kernels, {:.1f} MB of weights\n", output,
               kernelCount(result), weightBytes(result) / 1e6);
  return {};
}

/// Writes the table that the compilation then reads.
static Status tune(const Arguments &a, const std::string &output,
                   Progress &progress) {
  if (a.options.emit != Emit::Artifact || a.noTunedTiles)
    return fail(std::string("--tune makes no sense with ") +
                (a.noTunedTiles ? "--no-tuned-tiles" : "--emit=" + a.emit));
  TuningOptions tuning;
  tuning.model = a.model;
  tuning.compile = a.options;
  tuning.scratch = fmt::format("{}.tune.{}", output, getpid());
  tuning.rounds = a.tuneRounds;
  tuning.repeat = a.tuneRepeat;
  Result<TuningResult> result = tuneTiles(tuning, progress);
  progress.clear();
  if (!result.ok())
    return result.status();
  for (const std::string &note : result->notes)
    fmt::print(stderr, "warning: {}\n", note);
  for (const std::string &line : result->kept)
    fmt::print(stderr, "tuned: {}\n", line);
  fmt::print(stderr, "tuned: {} of {} kernels gained, {} rounds; {}\n",
             result->kept.size(), result->kernels, result->rounds,
             result->table);
  return {};
}

static Status compile(Arguments &a) {
  if (a.listPasses) {
    fmt::print("{}", listPasses());
    return {};
  }
  if (!a.describe.empty()) {
    llvm::Expected<std::string> text = describeArch(a.describe);
    if (!text)
      return fail(llvm::toString(text.takeError()));
    fmt::print("{}", *text);
    return {};
  }
  for (auto [name, emit] : kEmits)
    if (a.emit == name)
      a.options.emit = emit;
  a.options.fuse = a.fusionLevel > 0;
  a.options.float4 = a.activations == "fp4";
  a.options.chunkedScan = a.scan == "chunked";
  std::string output = a.output.empty() ? defaultOutput(a) : a.output;
  a.options.tunedTiles = !a.noTunedTiles;
  a.options.machineCode = !a.emulatedOnly;
  Progress progress(progressStyle(a));
  if (a.tune)
    SINTER_TRY(tune(a, output, progress));
  llvm::Expected<CompileResult> result =
      compileModel(a.model, output, a.options, progress);
  progress.clear();
  if (!result)
    return fail(llvm::toString(result.takeError()));
  return show(a, *result, output);
}

int main(int argc, char **argv) {
  CLI::App app("Compiles a GGUF model into one file that runs it", "compile");
  Arguments arguments;
  declare(app, arguments);
  return runProgram(app, argc, argv, [&] {
    takeDisabled(app, arguments);
    if (arguments.model.empty() && arguments.describe.empty() &&
        !arguments.listPasses)
      throw CLI::RequiredError("model");
    return compile(arguments);
  });
}
