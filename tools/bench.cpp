/// `bench`: measures prefill and decode of a compiled model beside what the
/// machine can do at most, with tests named as llama-bench names them.
#include "runtime/Artifact.h"
#include "runtime/JsonText.h"
#include "runtime/ModelInfo.h"
#include "runtime/Prediction.h"
#include "runtime/PrintableText.h"
#include "runtime/Session.h"
#include "runtime/Status.h"
#include "runtime/bench/Allocations.h"
#include "runtime/bench/Compare.h"
#include "runtime/bench/Explain.h"
#include "runtime/bench/Tests.h"
#include "runtime/cpu/MachineProbe.h"
#include "runtime/cpu/ThreadPool.h"
#include "runtime/cpu/Topology.h"
#include "tools/Program.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

using namespace sinter;

namespace {

struct Options {
  std::string model, baseline, current;
  std::vector<uint32_t> prompt = {512};
  std::vector<uint32_t> generate = {128};
  std::vector<uint32_t> depth = {0};
  std::vector<uint32_t> sequences = {1};
  uint32_t repeat = 5;
  SessionOptions session;
  bool json = false, explain = false, logits = false;
};

double milliseconds(std::chrono::steady_clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

std::vector<BenchTest> testsOf(const Options &options) {
  std::vector<BenchTest> tests;
  for (uint32_t depth : options.depth) {
    for (uint32_t tokens : options.prompt)
      if (tokens)
        tests.push_back({.tokens = tokens, .depth = depth});
    for (uint32_t sequences : options.sequences)
      for (uint32_t tokens : options.generate)
        if (tokens)
          tests.push_back({.decode = true,
                           .tokens = tokens,
                           .depth = depth,
                           .sequences = sequences,
                           .choose = !options.logits});
  }
  return tests;
}

Json machineJson(const MachineLimits &limits) {
  return {{"read_gb_per_second", limits.readBytes * 1e-9},
          {"int8_gmac_per_second", limits.byteProducts * 1e-9},
          {"bf16_gmac_per_second", limits.bf16Products * 1e-9},
          {"float32_gmac_per_second", limits.floatProducts * 1e-9}};
}

double percent(double part, double whole) {
  return whole > 0 ? 100 * part / whole : 0;
}

/// What is above every limit was measured wrongly, or the limit was.
bool isBroken(double readBytes, double products, const MachineLimits &limits) {
  double peak = std::max(
      {limits.byteProducts, limits.bf16Products, limits.floatProducts});
  return readBytes > limits.readBytes || products > peak;
}

Json testJson(const BenchTest &test, const BenchTiming &timing,
              const MachineLimits &limits) {
  double seconds = timing.median(), steps = timing.runSteps;
  double tokens = double(test.tokens) * test.sequences;
  double bytes = timing.work.weightBytes + timing.work.cacheBytes;
  double reads = bytes / seconds, products = timing.work.products / seconds;
  return {
      {"name", test.name()},
      {"tokens_per_second", tokens / seconds},
      {"low", tokens / timing.seconds.back()},
      {"high", tokens / timing.seconds.front()},
      {"bytes_per_token", bytes / tokens},
      {"gb_per_second", reads * 1e-9},
      {"percent_of_read", percent(reads, limits.readBytes)},
      {"gmac_per_second", products * 1e-9},
      {"percent_of_int8", percent(products, limits.byteProducts)},
      {"percent_of_float",
       percent(products, std::max(limits.bf16Products, limits.floatProducts))},
      {"launches_per_step", timing.work.launches / steps},
      {"barriers_per_step", timing.work.barriers / steps},
      {"machine", machineJson(limits)},
      {"allocations_per_step",
       double(timing.allocations) / double(timing.steps.size())},
      {"state_bytes_in_place_per_step",
       double(timing.states.inPlace) / double(timing.steps.size())},
      {"state_bytes_copied_per_step",
       double(timing.states.copied) / double(timing.steps.size())},
      {"step_ms_p50", quantile(timing.steps, 0.5) * 1e3},
      {"step_ms_p95", quantile(timing.steps, 0.95) * 1e3},
      {"step_ms_max", timing.steps.back() * 1e3},
      // Small models live in the cache, which no memory limit bounds.
      {"probe_exceeded", isBroken(reads, products, limits)}};
}

void printTest(const Json &test) {
  fmt::print(
      "{:<14} {:>9.2f} t/s ({:.2f} .. {:.2f})  {:6.1f} MB/token  "
      "{:5.1f} GB/s = {:3.0f} %  {:6.1f} GMAC/s = {:3.0f} % of int8, "
      "{:3.0f} % of float  step p50 {:.2f} p95 {:.2f} max {:.2f} ms  "
      "{:.0f} launches, {:.0f} barriers, {:g} allocations{}\n",
      test["name"].get<std::string>(), test["tokens_per_second"].get<double>(),
      test["low"].get<double>(), test["high"].get<double>(),
      test["bytes_per_token"].get<double>() * 1e-6,
      test["gb_per_second"].get<double>(),
      test["percent_of_read"].get<double>(),
      test["gmac_per_second"].get<double>(),
      test["percent_of_int8"].get<double>(),
      test["percent_of_float"].get<double>(), test["step_ms_p50"].get<double>(),
      test["step_ms_p95"].get<double>(), test["step_ms_max"].get<double>(),
      test["launches_per_step"].get<double>(),
      test["barriers_per_step"].get<double>(),
      test["allocations_per_step"].get<double>(),
      test["probe_exceeded"].get<bool>()
          ? "  (above the probe: cached weights, or a broken probe)"
          : "");
  double inPlace = test["state_bytes_in_place_per_step"].get<double>();
  double copied = test["state_bytes_copied_per_step"].get<double>();
  if (inPlace + copied > 0)
    fmt::print("{:<14} recurrent states: {:.2f} MB a step in place, {:g} bytes "
               "copied\n",
               "", inPlace * 1e-6, copied);
}

Json kernelJson(const KernelTime &kernel) {
  double bytes = kernel.done.weightBytes + kernel.done.cacheBytes;
  return {{"kernel", kernel.kernel},
          {"launches", kernel.launches},
          {"work_ms", kernel.work * 1e3},
          {"wait_ms", kernel.wait * 1e3},
          {"predicted_ms",
           kernel.predicted > 0 ? Json(kernel.predicted * 1e3) : Json(nullptr)},
          {"gb_per_second", bytes / kernel.work * 1e-9},
          {"gmac_per_second", kernel.done.products / kernel.work * 1e-9}};
}

/// Columns of one kernel; the prediction is for its work and wait together.
void printKernel(const KernelTime &kernel, const Json &row, double all) {
  std::string predicted = kernel.predicted > 0
                              ? fmt::format("{:9.3f}", kernel.predicted * 1e3)
                              : fmt::format("{:>9}", "-");
  fmt::print("  {:5.1f} %  {:9.3f} ms + {:7.3f} waiting, {} predicted  {:>4} x "
             "{:<40} {:6.1f} GB/s {:7.1f} GMAC/s\n",
             100 * (kernel.work + kernel.wait) / all, kernel.work * 1e3,
             kernel.wait * 1e3, predicted, kernel.launches, kernel.kernel,
             row["gb_per_second"].get<double>(),
             row["gmac_per_second"].get<double>());
}

Result<Json> explain(Session &session, const Plan &plan, const BenchTest &test,
                     const Options &options, const CostModel *model) {
  auto kernels = explainStep(session, plan, test, options.repeat, model);
  if (!kernels.ok())
    return kernels.status();
  Json json = Json::array();
  double all = 0, predicted = 0;
  for (const KernelTime &kernel : *kernels) {
    all += kernel.work + kernel.wait;
    predicted += kernel.predicted;
  }
  if (!options.json)
    fmt::print("  one step of {}: {:.3f} ms on the first thread{}\n",
               test.name(), all * 1e3,
               model ? fmt::format(", {:.3f} predicted ({})", predicted * 1e3,
                                   printable(model->rates.source))
                     : ", nothing predicted: no cost model in the report");
  for (const KernelTime &kernel : *kernels) {
    json.push_back(kernelJson(kernel));
    if (!options.json)
      printKernel(kernel, json.back(), all);
  }
  return json;
}

/// Milliseconds from nothing loaded to the logits of a first token.
struct Start {
  double load = 0, firstToken = 0;
};

/// What a device can do: its memory as measured, its multipliers as the report
/// has them from their makers.
MachineLimits deviceLimits(double copyRate, const CostModel *model) {
  MachineLimits limits = {.readBytes = copyRate};
  if (!model)
    return limits;
  const double all = model->rates.threads;
  limits.byteProducts = model->rates.byteProducts * all;
  limits.bf16Products = model->rates.bf16Products * all;
  limits.floatProducts = model->rates.floatProducts * all;
  return limits;
}

/// Each test is set against a probe right behind it: shared machines change
/// their limits within seconds.
Status runTests(const Options &options, Session &session,
                const Artifact &artifact, ThreadPool &pool, Json &report) {
  const Plan &plan = artifact.plan();
  std::optional<CostModel> model = costModelOf(parseJson(artifact.report()));
  for (const BenchTest &test : testsOf(options)) {
    Result<BenchTiming> timing =
        runTest(session, plan, test, options.repeat, allocationsSoFar);
    if (!timing.ok())
      return timing.status().in(test.name());
    Result<MachineLimits> limits =
        session.deviceCounters()
            ? deviceLimits(report["device"]["copy_bytes_per_second"],
                           model ? &*model : nullptr)
            : probeMachine(pool);
    if (!limits.ok())
      return limits.status();
    Json json = testJson(test, *timing, *limits);
    if (!options.json)
      printTest(json);
    if (options.explain) {
      Result<Json> kernels =
          explain(session, plan, test, options, model ? &*model : nullptr);
      if (!kernels.ok())
        return kernels.status().in(test.name());
      json["kernels"] = *kernels;
    }
    report["tests"].push_back(json);
  }
  return {};
}

/// Sequences and positions that the tests need: a device sets memory apart for
/// as many, and 128 sequences of a model's whole context fit none.
void sizeSession(Options &options, const Plan &plan) {
  uint64_t positions = 1;
  for (const BenchTest &test : testsOf(options)) {
    options.session.maxSequences =
        std::max(options.session.maxSequences, test.sequences);
    positions = std::max(positions, test.positions());
  }
  options.session.contextLength =
      static_cast<uint32_t>(std::min<uint64_t>(positions, plan.contextLength));
}

Status bench(Options options) {
  auto start = std::chrono::steady_clock::now();
  Result<Artifact> artifact = Artifact::open(options.model);
  if (!artifact.ok())
    return artifact.status();
  // There is nothing to decode where a text is read whole.
  if (artifact->plan().wholeSequences)
    options.generate.clear();
  sizeSession(options, artifact->plan());
  auto created = Session::create(*artifact, options.session);
  if (!created.ok())
    return created.status();
  Session &session = **created;
  printNotes(session.notes());
  Start took = {.load = milliseconds(std::chrono::steady_clock::now() - start)};
  const int32_t first = 0;
  if (auto logits = session.append(0, std::span(&first, 1)); !logits.ok())
    return logits.status();
  took.firstToken = milliseconds(std::chrono::steady_clock::now() - start);
  auto pool =
      ThreadPool::create(session.threads(), oneOfEachCore(allowedProcessors()));
  if (!pool.ok())
    return pool.status();
  Result<MachineLimits> limits = probeMachine(**pool);
  if (!limits.ok())
    return limits.status();
  Json report = {
      {"model", options.model},   {"threads", session.threads()},
      {"repeat", options.repeat}, {"machine", machineJson(*limits)},
      {"load_ms", took.load},     {"first_token_ms", took.firstToken},
      {"tests", Json::array()}};
  if (session.deviceCounters()) {
    report["device"] = {{"name", session.place()},
                        {"graphs", options.session.device.graphs},
                        {"copy_bytes_per_second", session.copyRate()}};
    if (!options.json)
      fmt::print("{}: copies {:.1f} GB/s\n", session.place(),
                 report["device"]["copy_bytes_per_second"].get<double>() *
                     1e-9);
  }
  if (!options.json)
    fmt::print("{} threads: reads {:.1f} GB/s; multiply-adds int8 {:.0f}, bf16 "
               "{:.0f}, float32 {:.0f} G/s; loaded in {:.1f} ms, first token "
               "after {:.1f} ms\n",
               session.threads(), limits->readBytes * 1e-9,
               limits->byteProducts * 1e-9, limits->bf16Products * 1e-9,
               limits->floatProducts * 1e-9, took.load, took.firstToken);
  SINTER_TRY(runTests(options, session, *artifact, **pool, report));
  if (const DeviceCounters *counters = session.deviceCounters())
    report["device"]["counters"] = countersJson(*counters);
  if (options.json)
    fmt::print("{}\n", dumpJson(report, 2));
  return Status();
}

/// Errors: OutOfRange when a threshold is passed.
Status compare(const Options &options) {
  Result<Comparison> result = compareReports(options.baseline, options.current);
  if (!result.ok())
    return result.status();
  if (options.json)
    fmt::print("{}\n", dumpJson(result->json, 2));
  else
    fmt::print("{}", result->text);
  if (result->failed)
    return Status(Code::OutOfRange, "slower than the baseline allows");
  return {};
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Measures a compiled model: medians over --repeat runs",
               "bench");
  app.add_option("MODEL", options.model, "compiled model");
  app.add_option("-p,--prompt", options.prompt, "tokens to prefill (0: none)")
      ->capture_default_str();
  app.add_option("-n,--generate", options.generate,
                 "tokens to decode (0: none)")
      ->capture_default_str();
  app.add_option("-d,--depth", options.depth, "tokens already in the context")
      ->capture_default_str();
  app.add_option("-b,--sequences", options.sequences,
                 "sequences that decode together")
      ->check(CLI::Range(1, 4096))
      ->capture_default_str();
  app.add_option("--repeat", options.repeat, "runs of each test")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  addDevice(app, options.session.device);
  app.add_option("--threads", options.session.threads,
                 "threads (default: one per physical core)")
      ->check(CLI::Range(1, kMaxThreads));
  app.add_option("--chunk", options.session.chunk,
                 "tokens per step of a prefill (default: the largest step of "
                 "the model)")
      ->check(CLI::PositiveNumber);
  app.add_flag("--explain", options.explain,
               "also the time of each kernel in one step, measured and "
               "predicted");
  app.add_flag(
      "--logits", options.logits,
      "bring a GPU's logits here, where it would choose tokens itself");
  app.add_flag("--json", options.json, "print JSON");
  CLI::App *comparing = app.add_subcommand(
      "compare", "compare two reports of --json; fails on a regression");
  comparing->add_option("BASELINE", options.baseline, "earlier report")
      ->required();
  comparing->add_option("CURRENT", options.current, "later report")->required();
  comparing->add_flag("--json", options.json, "print JSON");
  return runProgram(app, argc, argv, [&]() -> Status {
    if (comparing->parsed())
      return compare(options);
    if (options.model.empty())
      throw CLI::RequiredError("MODEL");
    return bench(options);
  });
}
