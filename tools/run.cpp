/// `run`: continues a prompt with a compiled model.
#include "runtime/Artifact.h"
#include "runtime/ArtifactTokenizer.h"
#include "runtime/Generation.h"
#include "runtime/JsonText.h"
#include "runtime/ModelInfo.h"
#include "runtime/Sampler.h"
#include "runtime/Session.h"
#include "runtime/Status.h"
#include "runtime/TextFile.h"
#include "runtime/Tokenizer.h"
#include "runtime/cpu/ThreadPool.h"
#include "tools/Program.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <random>
#include <string>
#include <string_view>

using namespace sinter;

namespace {

using Clock = std::chrono::steady_clock;

/// As shells count a program that SIGINT ended.
constexpr int kInterruptedExit = 130;

std::atomic<bool> interrupted = false;
static_assert(std::atomic<bool>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

/// The first Ctrl-C ends the text, a second one the program.
void watchInterrupt() {
  struct sigaction action = {};
  action.sa_handler = [](int) { interrupted = true; };
  action.sa_flags = SA_RESETHAND | SA_RESTART;
  sigaction(SIGINT, &action, nullptr);
}

struct Options {
  std::string model;
  std::optional<std::string> prompt;
  std::string promptFile;
  SessionOptions session;
  SamplerOptions sampler;
  int64_t seed = -1;
  GenerationOptions generation;
  bool plainText = false;
  bool hidePrompt = false;
  bool json = false;
  bool info = false;
};

void addSamplerOptions(CLI::App &app, Options &options) {
  SamplerOptions &sampler = options.sampler;
  app.add_option("--temp", sampler.temperature,
                 "temperature; 0 takes the likeliest token")
      ->capture_default_str();
  app.add_option("--top-k", sampler.topK, "likeliest tokens kept; 0: all")
      ->capture_default_str();
  app.add_option("--top-p", sampler.topP, "probability kept; 1: all")
      ->capture_default_str();
  app.add_option("--min-p", sampler.minP,
                 "least probability relative to the likeliest; 0: off")
      ->capture_default_str();
  app.add_option("--repeat-penalty", sampler.repeatPenalty,
                 "divides the logits of repeated tokens; 1: off")
      ->capture_default_str();
  app.add_option("--repeat-last-n", sampler.repeatLastN,
                 "tokens that count as repeated; 0: off, -1: all")
      ->capture_default_str();
  app.add_option("--presence-penalty", sampler.presencePenalty,
                 "subtracted from the logits of repeated tokens")
      ->capture_default_str();
  app.add_option("--frequency-penalty", sampler.frequencyPenalty,
                 "subtracted once for each repetition")
      ->capture_default_str();
  app.add_option("--seed,-s", options.seed, "seed; -1: a random one")
      ->capture_default_str();
}

void addOptions(CLI::App &app, Options &options) {
  app.add_option("model", options.model, "compiled model")->required();
  auto *prompt = app.add_option("-p,--prompt", options.prompt,
                                "text to continue; - reads standard input");
  app.add_option("-f,--file", options.promptFile, "file with the prompt")
      ->excludes(prompt);
  app.add_option("-n,--n-predict", options.generation.maxTokens,
                 "tokens to write; -1: until the model ends or the context is "
                 "full")
      ->capture_default_str()
      ->check(CLI::Range(int64_t(-1), INT64_MAX));
  addSamplerOptions(app, options);
  addDevice(app, options.session.device);
  app.add_option("-t,--threads", options.session.threads,
                 "threads (default: one per physical core)")
      ->check(CLI::Range(1, kMaxThreads));
  app.add_option("-c,--ctx,--ctx-size", options.session.contextLength,
                 "tokens of prompt and answer together (default: what the "
                 "model was trained for)")
      ->check(CLI::Range(1u, kMaxContext));
  app.add_option("--chunk", options.session.chunk,
                 "tokens of the prompt per step (default: the largest step of "
                 "the model)")
      ->check(CLI::PositiveNumber);
  app.add_flag("--no-special", options.plainText,
               "add no BOS and read no control tokens in the prompt");
  app.add_flag("--ignore-eos", options.generation.ignoreEnd,
               "never let the model end its text");
  app.add_flag("--no-display-prompt", options.hidePrompt,
               "print only what the model writes");
  app.add_flag("--json", options.json, "print one JSON object at the end");
  app.add_flag("--info", options.info,
               "show model, target, memory and fusions, and stop");
}

/// The prompt's text; one line end at the end of a file is the editor's.
Result<std::string> readPrompt(const Options &options) {
  if (options.prompt && *options.prompt != "-")
    return *options.prompt;
  if (!options.prompt && options.promptFile.empty())
    return Status(Code::InvalidArgument,
                  "no prompt; give one with -p TEXT or -f FILE");
  auto text = readTextFile(options.prompt ? "-" : options.promptFile);
  if (text.ok() && !text->empty() && text->back() == '\n')
    text->pop_back();
  return text;
}

/// An empty prompt begins with BOS, where the model has one.
Result<std::vector<int32_t>> encodePrompt(const Options &options,
                                          const Tokenizer &tokenizer,
                                          const std::string &text) {
  bool special = !options.plainText;
  auto tokens = tokenizer.encode(text, special, special);
  if (!tokens.ok() || !tokens->empty())
    return tokens;
  if (tokenizer.vocabulary().bos < 0)
    return Status(Code::InvalidArgument,
                  "prompt is empty, and the model has no BOS to begin with");
  tokens->push_back(tokenizer.vocabulary().bos);
  return tokens;
}

double milliseconds(Clock::duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

double rate(uint64_t count, double seconds) {
  return seconds > 0 ? static_cast<double>(count) / seconds : 0;
}

struct Timings {
  double loadMs;
  double firstTokenMs; ///< since the start of the program; 0: there is none
};

void printTimings(const Generation &made, const Timings &timings) {
  fmt::print(stderr, "\nload        {:9.1f} ms\n", timings.loadMs);
  fmt::print(stderr, "prefill     {:9.1f} ms  {:6} tokens  {:8.1f} tokens/s\n",
             made.prefillSeconds * 1e3, made.promptTokens,
             rate(made.promptTokens, made.prefillSeconds));
  fmt::print(stderr, "decode      {:9.1f} ms  {:6} tokens  {:8.1f} tokens/s\n",
             made.decodeSeconds * 1e3, made.decodeSteps,
             rate(made.decodeSteps, made.decodeSeconds));
  if (timings.firstTokenMs > 0)
    fmt::print(stderr, "first token {:9.1f} ms after start\n",
               timings.firstTokenMs);
  if (made.stop == StopReason::Context)
    fmt::print(stderr, "stopped: the context is full (--ctx gives more)\n");
}

void printJson(const Generation &made, const Timings &timings,
               const std::string &prompt, const Options &options) {
  Json json = {{"prompt", prompt},
               {"text", made.text},
               {"tokens", made.tokens},
               {"stop", stopName(made.stop)},
               {"seed", options.sampler.seed},
               {"timings",
                {{"load_ms", timings.loadMs},
                 {"first_token_ms", timings.firstTokenMs},
                 {"prompt_tokens", made.promptTokens},
                 {"prefill_ms", made.prefillSeconds * 1e3},
                 {"prefill_tokens_per_second",
                  rate(made.promptTokens, made.prefillSeconds)},
                 {"decode_steps", made.decodeSteps},
                 {"decode_ms", made.decodeSeconds * 1e3},
                 {"decode_tokens_per_second",
                  rate(made.decodeSteps, made.decodeSeconds)}}}};
  fmt::print("{}\n", dumpJson(json));
}

Status writeText(const Options &options, const Artifact &artifact,
                 Session &session, Clock::time_point start) {
  auto prompt = readPrompt(options);
  if (!prompt.ok())
    return prompt.status();
  auto tokenizer = openTokenizer(artifact);
  if (!tokenizer.ok())
    return tokenizer.status();
  auto sampler = Sampler::create(options.sampler);
  if (!sampler.ok())
    return sampler.status();
  auto tokens = encodePrompt(options, *tokenizer, *prompt);
  if (!tokens.ok())
    return tokens.status();
  Timings timings = {milliseconds(Clock::now() - start), 0};
  watchInterrupt();
  if (!options.json && !options.hidePrompt)
    SINTER_TRY(writeOutput(*prompt));
  Status written;
  auto show = [&](std::string_view text) {
    if (written.ok())
      written = writeOutput(text);
    if (!written.ok())
      interrupted = true; // no more text for nobody
  };
  auto made =
      generate(session, *tokenizer, *sampler, *tokens, options.generation,
               interrupted, options.json ? TextSink() : TextSink(show));
  SINTER_TRY(written);
  if (!made.ok())
    return made.status();
  if (!made->tokens.empty())
    timings.firstTokenMs = milliseconds(made->firstToken - start);
  if (options.json) {
    printJson(*made, timings, *prompt, options);
  } else {
    SINTER_TRY(writeOutput("\n"));
    printTimings(*made, timings);
  }
  return {};
}

Status runModel(const Options &options, Clock::time_point start) {
  auto artifact = Artifact::open(options.model);
  if (!artifact.ok())
    return artifact.status();
  auto session = Session::create(*artifact, options.session);
  if (!session.ok())
    return session.status();
  printNotes((*session)->notes());
  if (!options.info && (*session)->result() != ResultKind::Logits)
    return Status(
        Code::InvalidArgument,
        fmt::format("'{}' gives {}, not text; embed prints them", options.model,
                    (*session)->result() == ResultKind::Scores ? "scores"
                                                               : "embeddings"));
  if (!options.info)
    return writeText(options, *artifact, **session, start);
  if (options.json)
    fmt::print("{}\n", dumpJson(describeModel(*artifact, **session)));
  else
    fmt::print("{}", modelText(*artifact, **session));
  return {};
}

} // namespace

int main(int argc, char **argv) {
  Clock::time_point start = Clock::now();
  CLI::App app("Continues a prompt with a compiled model", "run");
  Options options;
  addOptions(app, options);
  int code = runProgram(app, argc, argv, [&] {
    options.sampler.seed = options.seed < 0
                               ? std::random_device()()
                               : static_cast<uint64_t>(options.seed);
    return runModel(options, start);
  });
  return code == 0 && interrupted ? kInterruptedExit : code;
}
