/// `eval`: measures a compiled model's answers (logits, perplexity, distance to
/// another model).
#include "runtime/Artifact.h"
#include "runtime/ArtifactTokenizer.h"
#include "runtime/Embedding.h"
#include "runtime/Evaluation.h"
#include "runtime/JsonText.h"
#include "runtime/NpyFile.h"
#include "runtime/Session.h"
#include "runtime/Status.h"
#include "runtime/TextFile.h"
#include "runtime/Tokenizer.h"
#include "runtime/cpu/ThreadPool.h"
#include "tools/Program.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <memory>
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
  uint32_t sequences = 16;
  SessionOptions session;
  bool json = false;
};

/// An artifact with a session on it.
struct Model {
  explicit Model(Artifact opened) : artifact(std::move(opened)) {}

  static Result<std::unique_ptr<Model>> open(const std::string &path,
                                             const SessionOptions &options) {
    Result<Artifact> artifact = Artifact::open(path);
    if (!artifact.ok())
      return artifact.status();
    auto model = std::make_unique<Model>(std::move(*artifact));
    Result<std::unique_ptr<Session>> session =
        Session::create(model->artifact, options);
    if (!session.ok())
      return session.status();
    printNotes((*session)->notes());
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
    fmt::print("{}\n", dumpJson({{"output", options.output},
                                 {"tokens", tokens->size()},
                                 {"vocabulary", session.vocabulary()},
                                 {"chunk", session.chunk()},
                                 {"threads", session.threads()}}));
  return {};
}

/// The ids on each line of the file: a text.
Result<std::vector<std::vector<int32_t>>> readLines(const Options &options) {
  Result<std::string> text = readTextFile(options.tokens);
  if (!text.ok())
    return text.status();
  std::vector<std::vector<int32_t>> lines;
  for (size_t at = 0; at < text->size();) {
    size_t end = std::min(text->find('\n', at), text->size());
    auto ids = parseTokenIds(std::string_view(*text).substr(at, end - at));
    if (!ids.ok())
      return ids.status().in(
          fmt::format("'{}' line {}", options.tokens, lines.size() + 1));
    if (!ids->empty())
      lines.push_back(std::move(*ids));
    at = end + 1;
  }
  if (lines.empty())
    return Status(Code::InvalidArgument,
                  fmt::format("'{}' has no token ids", options.tokens));
  return lines;
}

Status evalEmbeddings(Options options) {
  auto lines = readLines(options);
  if (!lines.ok())
    return lines.status();
  options.session.maxSequences =
      static_cast<uint32_t>(std::min<size_t>(lines->size(), options.sequences));
  auto model = Model::open(options.model, options.session);
  if (!model.ok())
    return model.status();
  Session &session = *(*model)->session;
  if (session.result() == ResultKind::Logits)
    return Status(Code::InvalidArgument,
                  fmt::format("'{}' gives logits, not embeddings; eval logits "
                              "writes them",
                              options.model));
  size_t rows = 0;
  for (const std::vector<int32_t> &line : *lines)
    rows +=
        session.resultRows() == ResultRows::Sequences ? size_t(1) : line.size();
  auto npy = NpyFile::create(options.output, rows, session.resultWidth());
  if (!npy.ok())
    return npy.status();
  SINTER_TRY(
      visitRows(session, *lines, [&](size_t, std::span<const float> found) {
        return npy->write(found);
      }));
  SINTER_TRY(npy->finish());
  if (options.json)
    fmt::print("{}\n", dumpJson({{"output", options.output},
                                 {"texts", lines->size()},
                                 {"rows", rows},
                                 {"width", session.resultWidth()},
                                 {"threads", session.threads()}}));
  return {};
}

/// The ids of the text file, with BOS as the model wants it.
Result<std::vector<int32_t>> encodeText(const Options &options,
                                        const Tokenizer &tokenizer) {
  Result<std::string> text = readTextFile(options.text);
  if (!text.ok())
    return text.status();
  return tokenizer.encode(*text, true, false);
}

Status evalPerplexity(const Options &options) {
  auto model = Model::open(options.model, options.session);
  if (!model.ok())
    return model.status();
  auto tokenizer = openTokenizer((*model)->artifact);
  if (!tokenizer.ok())
    return tokenizer.status();
  auto tokens = encodeText(options, *tokenizer);
  if (!tokens.ok())
    return tokens.status();
  const Vocabulary &vocabulary = tokenizer->vocabulary();
  Session &session = *(*model)->session;
  auto result = measurePerplexity(
      session, *tokens, std::min(options.context, session.contextLength()),
      vocabulary.addBos ? vocabulary.bos : -1, [](const Perplexity &soFar) {
        fmt::print(stderr, "chunk {}: perplexity {:.4f}\n", soFar.chunks,
                   soFar.perplexity);
      });
  if (!result.ok())
    return result.status();
  if (options.json)
    fmt::print("{}\n", dumpJson({{"perplexity", result->perplexity},
                                 {"error", result->error},
                                 {"scored", result->scored},
                                 {"chunks", result->chunks},
                                 {"tokens", tokens->size()}}));
  else
    fmt::print("perplexity {:.4f} +/- {:.4f} ({} tokens scored in {} chunks)\n",
               result->perplexity, result->error, result->scored,
               result->chunks);
  return {};
}

Status evalDivergence(const Options &options) {
  auto a = Model::open(options.model, options.session);
  if (!a.ok())
    return a.status();
  auto b = Model::open(options.other, options.session);
  if (!b.ok())
    return b.status();
  std::vector<int32_t> tokens;
  if (options.text.empty()) {
    auto read = readTokens(options);
    if (!read.ok())
      return read.status();
    tokens = std::move(*read);
  } else {
    auto tokenizer = openTokenizer((*a)->artifact);
    if (!tokenizer.ok())
      return tokenizer.status();
    auto encoded = encodeText(options, *tokenizer);
    if (!encoded.ok())
      return encoded.status();
    tokens = std::move(*encoded);
  }
  uint32_t context = std::min({options.context, (*a)->session->contextLength(),
                               (*b)->session->contextLength()});
  auto result =
      measureDivergence(*(*a)->session, *(*b)->session, tokens, context);
  if (!result.ok())
    return result.status();
  if (options.json)
    fmt::print("{}\n", dumpJson({{"mean_kl", result->meanKl},
                                 {"max_kl", result->maxKl},
                                 {"same_top", result->sameTop},
                                 {"nmse", result->nmse},
                                 {"tokens", result->tokens}}));
  else
    fmt::print("mean KL {:.6g}, largest {:.6g}, same top {:.2f} %, NMSE "
               "{:.4g} ({} tokens)\n",
               result->meanKl, result->maxKl, 100 * result->sameTop,
               result->nmse, result->tokens);
  return {};
}

void addModelOptions(CLI::App &app, Options &options) {
  app.add_option("--chunk", options.session.chunk,
                 "tokens per step (default: the largest step of the model)")
      ->check(CLI::PositiveNumber);
  addDevice(app, options.session.device);
  app.add_option("--threads,-t", options.session.threads,
                 "threads (default: one per physical core)")
      ->check(CLI::Range(1, kMaxThreads));
  app.add_flag("--json", options.json, "print JSON");
}

void addContextOption(CLI::App &app, Options &options) {
  app.add_option("--ctx,-c", options.context, "tokens in a piece of the text")
      ->capture_default_str()
      ->check(CLI::Range(4u, kMaxContext));
}

CLI::App *addEmbeddings(CLI::App &app, Options &options) {
  CLI::App *embeddings = app.add_subcommand(
      "embeddings", "write the embeddings or scores of given tokens");
  embeddings->add_option("model", options.model, "compiled model")->required();
  embeddings
      ->add_option("--tokens", options.tokens,
                   "file with the token ids of a text on each line")
      ->required();
  embeddings
      ->add_option("-o,--output", options.output,
                   "file to write (npy): a row for each text, or for each "
                   "token of each")
      ->required();
  embeddings
      ->add_option("--sequences", options.sequences, "texts in a step, at most")
      ->capture_default_str()
      ->check(CLI::Range(1u, 1024u));
  addModelOptions(*embeddings, options);
  return embeddings;
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

  CLI::App *embeddings = addEmbeddings(app, options);
  CLI::App *perplexity =
      app.add_subcommand("perplexity", "score a text, as llama.cpp does");
  perplexity->add_option("model", options.model, "compiled model")->required();
  perplexity->add_option("-f,--file", options.text, "text")->required();
  addModelOptions(*perplexity, options);
  addContextOption(*perplexity, options);

  CLI::App *kl =
      app.add_subcommand("kl", "distance of model B's answers from model A's");
  kl->add_option("a", options.model, "compiled model A")->required();
  kl->add_option("b", options.other, "compiled model B")->required();
  CLI::Option_group *input = kl->add_option_group("input");
  input->add_option("-f,--file", options.text, "text");
  input->add_option("--tokens", options.tokens, "file of token ids");
  input->require_option(1);
  addModelOptions(*kl, options);
  addContextOption(*kl, options);
  return runProgram(app, argc, argv, [&] {
    return logits->parsed()       ? evalLogits(options)
           : embeddings->parsed() ? evalEmbeddings(options)
           : perplexity->parsed() ? evalPerplexity(options)
                                  : evalDivergence(options);
  });
}
