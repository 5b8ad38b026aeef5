/// `eval`: measures a compiled model's answers (logits, perplexity, distance to
/// another model).
#include "runtime/Artifact.h"
#include "runtime/Evaluation.h"
#include "runtime/NpyFile.h"
#include "runtime/Session.h"
#include "runtime/Status.h"
#include "runtime/TextFile.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

using namespace sinter;

namespace {

struct Options {
  std::string model;
  std::string other;
  std::string tokens;
  std::string text;
  std::string output;
  uint32_t context = 512;
  SessionOptions session;
  bool json = false;
};

/// An artifact with a session on it.
struct Model {
  explicit Model(Artifact opened) : artifact(std::move(opened)) {}

  static Result<std::unique_ptr<Model>> open(const std::string &path,
                                             SessionOptions options) {
    Result<Artifact> artifact = Artifact::open(path);
    if (!artifact.ok())
      return artifact.status();
    auto model = std::make_unique<Model>(std::move(*artifact));
    options.chunk = std::min(options.chunk,
                             model->artifact.plan().regimes.back().maxTokens);
    Result<std::unique_ptr<Session>> session =
        Session::create(model->artifact, options);
    if (!session.ok())
      return session.status();
    model->session = std::move(*session);
    return model;
  }

  Artifact artifact;
  std::unique_ptr<Session> session;
};

Result<std::vector<int32_t>> readTokens(const Options &options) {
  Result<std::string> text = readTextFile(options.tokens);
  if (!text.ok())
    return text.status();
  Result<std::vector<int32_t>> tokens = parseTokenIds(*text);
  if (!tokens.ok())
    return tokens.status().in(fmt::format("'{}'", options.tokens));
  if (tokens->empty())
    return Status(Code::InvalidArgument,
                  fmt::format("'{}' has no token ids", options.tokens));
  return tokens;
}

Status evalLogits(const Options &options) {
  auto model = Model::open(options.model, options.session);
  if (!model.ok())
    return model.status();
  auto tokens = readTokens(options);
  if (!tokens.ok())
    return tokens.status();
  Session &session = *(*model)->session;
  auto npy =
      NpyFile::create(options.output, tokens->size(), session.vocabulary());
  if (!npy.ok())
    return npy.status();
  SINTER_TRY(visitLogits(session, *tokens, 0,
                         [&](size_t, std::span<const float> logits) {
                           return npy->write(logits);
                         }));
  SINTER_TRY(npy->finish());
  if (options.json)
    fmt::print("{}\n", nlohmann::json{{"output", options.output},
                                      {"tokens", tokens->size()},
                                      {"vocabulary", session.vocabulary()},
                                      {"chunk", session.chunk()},
                                      {"threads", session.threads()}}
                           .dump());
  return {};
}

void addModelOptions(CLI::App &app, Options &options) {
  app.add_option("--chunk", options.session.chunk,
                 "tokens per step (default: the largest step of the model)")
      ->check(CLI::PositiveNumber);
  app.add_option("--threads,-t", options.session.threads,
                 "threads (default: one per physical core)")
      ->check(CLI::Range(1, kMaxThreads));
  app.add_flag("--json", options.json, "print JSON");
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Measures a compiled model", "eval");
  app.require_subcommand(1);
  Options options;
  CLI::App *logits =
      app.add_subcommand("logits", "write the logits of given tokens");
  logits->add_option("model", options.model, "compiled model")->required();
  logits->add_option("--tokens", options.tokens, "file of token ids")
      ->required();
  logits->add_option("-o,--output", options.output, "file to write (npy)")
      ->required();
  addModelOptions(*logits, options);
  CLI11_PARSE(app, argc, argv);

  Status status;
  if (logits->parsed())
    status = evalLogits(options);
  if (status.ok())
    return 0;
  fmt::print(stderr, "eval: error: {}\n", status.message());
  return 1;
}
