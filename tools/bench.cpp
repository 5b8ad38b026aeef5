/// `bench`: measures prefill and decode speed of a compiled model, with tests
/// named as llama-bench names them, so that results compare.
#include "runtime/Artifact.h"
#include "runtime/JsonText.h"
#include "runtime/Session.h"
#include "runtime/Status.h"
#include "tools/Program.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

using namespace sinter;

namespace {

struct Options {
  std::string model;
  std::vector<uint32_t> prompt = {512};
  std::vector<uint32_t> generate = {128};
  std::vector<uint32_t> depth = {0};
  uint32_t repeat = 5;
  SessionOptions session;
  bool json = false;
};

/// One test: tokens to prefill or to decode, behind `depth` earlier ones.
struct Test {
  bool decode;
  uint32_t tokens, depth;

  std::string name() const {
    std::string name = fmt::format("{}{}", decode ? "tg" : "pp", tokens);
    return depth ? fmt::format("{}@d{}", name, depth) : name;
  }
};

struct Timing {
  double median, low, high; ///< tokens per second
};

/// Token ids that are all over the vocabulary, the same every time.
std::vector<int32_t> someTokens(uint32_t count, uint32_t vocabulary) {
  std::vector<int32_t> tokens(count);
  uint64_t state = 1;
  for (int32_t &token : tokens) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    token = static_cast<int32_t>((state >> 33) % vocabulary);
  }
  return tokens;
}

/// Seconds for the tokens of one test, the earlier ones being there already.
Result<double> timeOnce(Session &session, const Test &test) {
  auto tokens = someTokens(test.tokens, session.vocabulary());
  auto start = std::chrono::steady_clock::now();
  if (!test.decode) {
    if (auto logits = session.append(0, tokens); !logits.ok())
      return logits.status();
  } else {
    for (const int32_t &token : tokens)
      if (auto logits = session.append(0, std::span(&token, 1)); !logits.ok())
        return logits.status();
  }
  std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  return took.count();
}

Result<Timing> measure(Session &session, const Test &test, uint32_t repeat) {
  SINTER_TRY(session.truncate(0, 0));
  auto earlier = someTokens(test.depth, session.vocabulary());
  if (test.depth)
    if (auto logits = session.append(0, earlier, Outputs::None); !logits.ok())
      return logits.status();
  std::vector<double> rates;
  for (uint32_t i = 0; i <= repeat; ++i) {
    SINTER_TRY(session.truncate(0, test.depth));
    Result<double> seconds = timeOnce(session, test);
    if (!seconds.ok())
      return seconds.status();
    if (i > 0) // the first run only warms up
      rates.push_back(test.tokens / *seconds);
  }
  std::sort(rates.begin(), rates.end());
  return Timing{rates[rates.size() / 2], rates.front(), rates.back()};
}

std::vector<Test> testsOf(const Options &options) {
  std::vector<Test> tests;
  for (uint32_t depth : options.depth) {
    for (uint32_t tokens : options.prompt)
      if (tokens)
        tests.push_back({.decode = false, .tokens = tokens, .depth = depth});
    for (uint32_t tokens : options.generate)
      if (tokens)
        tests.push_back({.decode = true, .tokens = tokens, .depth = depth});
  }
  return tests;
}

Status bench(const Options &options) {
  Result<Artifact> artifact = Artifact::open(options.model);
  if (!artifact.ok())
    return artifact.status();
  auto session = Session::create(*artifact, options.session);
  if (!session.ok())
    return session.status();
  Json report;
  report["model"] = options.model;
  report["threads"] = (*session)->threads();
  for (const Test &test : testsOf(options)) {
    Result<Timing> timing = measure(**session, test, options.repeat);
    if (!timing.ok())
      return timing.status().in(test.name());
    report["tests"].push_back({{"name", test.name()},
                               {"tokens_per_second", timing->median},
                               {"low", timing->low},
                               {"high", timing->high}});
    if (!options.json)
      fmt::print("{:<16} {:>9.2f} tokens/s   {:.2f} .. {:.2f}\n", test.name(),
                 timing->median, timing->low, timing->high);
  }
  if (options.json)
    fmt::print("{}\n", dumpJson(report, 2));
  return Status();
}

} // namespace

int main(int argc, char **argv) {
  Options options;
  CLI::App app("Measures a compiled model: medians over --repeat runs",
               "bench");
  app.add_option("MODEL", options.model, "compiled model")->required();
  app.add_option("-p,--prompt", options.prompt, "tokens to prefill (0: none)")
      ->capture_default_str();
  app.add_option("-n,--generate", options.generate,
                 "tokens to decode (0: none)")
      ->capture_default_str();
  app.add_option("-d,--depth", options.depth, "tokens already in the context")
      ->capture_default_str();
  app.add_option("--repeat", options.repeat, "runs of each test")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  app.add_option("--threads", options.session.threads,
                 "threads (default: one per physical core)")
      ->check(CLI::Range(1, kMaxThreads));
  app.add_option("--chunk", options.session.chunk,
                 "tokens per step of a prefill (default: the largest step of "
                 "the model)")
      ->check(CLI::PositiveNumber);
  app.add_flag("--json", options.json, "print JSON");
  return runProgram(app, argc, argv, [&] { return bench(options); });
}
