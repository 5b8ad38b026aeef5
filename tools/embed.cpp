/// `embed`: embeddings of texts from a compiled model, or texts in the order in
/// which they answer a query.
#include "runtime/Artifact.h"
#include "runtime/ArtifactTokenizer.h"
#include "runtime/Embedding.h"
#include "runtime/JsonText.h"
#include "runtime/Session.h"
#include "runtime/Status.h"
#include "runtime/TextFile.h"
#include "runtime/Tokenizer.h"
#include "runtime/cpu/ThreadPool.h"
#include "tools/Program.h"

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <numeric>
#include <optional>
#include <string>
#include <vector>

using namespace sinter;

namespace {

/// Texts in one step: many, for short ones, but few enough that their caches
/// stay small.
constexpr uint32_t kTextsAtOnce = 16;

struct Options {
  std::string model;
  std::vector<std::string> prompts;
  std::string file;
  std::optional<std::string> query;
  std::string normalise = "l2";
  size_t top = 0;
  SessionOptions session;
  bool json = false;
};

/// One text with its rows.
struct Text {
  std::string text;
  std::vector<int32_t> tokens;
  std::vector<float> rows;
};

void addOptions(CLI::App &app, Options &options) {
  app.add_option("model", options.model, "compiled model")->required();
  app.add_option("-p,--prompt", options.prompts,
                 "text; may be given several times");
  app.add_option("-f,--file", options.file,
                 "file with a text on each line; - reads standard input");
  app.add_option("-q,--query", options.query,
                 "rank the texts by how well they answer this");
  app.add_option("--top", options.top, "texts of the ranking to print; 0: all")
      ->capture_default_str();
  app.add_option("--normalize", options.normalise,
                 "length of an embedding: l2 (1) or none (as it is)")
      ->check(CLI::IsMember({"l2", "none"}))
      ->capture_default_str();
  app.add_option("-t,--threads", options.session.threads,
                 "threads (default: one per physical core)")
      ->check(CLI::Range(1, kMaxThreads));
  app.add_option("-c,--ctx,--ctx-size", options.session.contextLength,
                 "tokens of the longest text (default: what the model was "
                 "trained for)")
      ->check(CLI::Range(1u, kMaxContext));
  app.add_flag("--json", options.json, "print one JSON object");
}

Result<std::vector<Text>> readTexts(const Options &options) {
  std::vector<Text> texts;
  for (const std::string &prompt : options.prompts)
    texts.push_back({prompt, {}, {}});
  if (!options.file.empty()) {
    auto read = readTextFile(options.file);
    if (!read.ok())
      return read.status();
    for (size_t at = 0; at < read->size();) {
      size_t end = std::min(read->find('\n', at), read->size());
      if (end > at)
        texts.push_back({read->substr(at, end - at), {}, {}});
      at = end + 1;
    }
  }
  if (texts.empty())
    return Status(Code::InvalidArgument,
                  "no texts; give some with -p TEXT or -f FILE");
  return texts;
}

/// The ids of each text, of a pair with the query where the model scores pairs.
Status encode(const Options &options, const Artifact &artifact,
              std::vector<Text> &texts) {
  auto tokenizer = openTokenizer(artifact);
  if (!tokenizer.ok())
    return tokenizer.status();
  bool pairs = artifact.plan().result == ResultKind::Scores && options.query;
  for (Text &text : texts) {
    auto tokens = pairs
                      ? encodePair(*tokenizer, artifact.manifest().rankTemplate,
                                   *options.query, text.text)
                      : tokenizer->encode(text.text, true, false);
    if (!tokens.ok())
      return tokens.status();
    text.tokens = std::move(*tokens);
  }
  return {};
}

/// A session that has room for these texts and no more.
Result<std::unique_ptr<Session>> openSession(Options &options,
                                             Artifact &artifact,
                                             const std::vector<Text> &texts) {
  uint32_t &context = options.session.contextLength;
  if (!context)
    context = artifact.plan().contextLength;
  size_t longest = 1;
  for (const Text &text : texts)
    longest = std::max(longest, text.tokens.size());
  if (longest > context)
    return Status(Code::OutOfRange,
                  fmt::format("the longest text has {} tokens, expected up to "
                              "{} (a larger --ctx allows more, if the model "
                              "does)",
                              longest, context));
  context = static_cast<uint32_t>(longest);
  options.session.maxSequences =
      static_cast<uint32_t>(std::min<size_t>(texts.size(), kTextsAtOnce));
  return Session::create(artifact, options.session);
}

/// The rows of all texts.
Status computeRows(const Options &options, Session &session,
                   std::vector<Text> &texts) {
  std::vector<std::vector<int32_t>> inputs;
  for (const Text &text : texts)
    inputs.push_back(text.tokens);
  uint32_t width = session.resultWidth();
  bool unit =
      options.normalise == "l2" && session.result() == ResultKind::Embedding;
  return visitRows(session, inputs,
                   [&](size_t index, std::span<const float> rows) {
                     std::vector<float> &own = texts[index].rows;
                     own.assign(rows.begin(), rows.end());
                     for (size_t at = 0; unit && at < own.size(); at += width)
                       normalise(std::span(own).subspan(at, width));
                     return Status();
                   });
}

void printRows(const Options &options, const Session &session,
               const std::vector<Text> &texts) {
  size_t width = session.resultWidth();
  bool scores = session.result() == ResultKind::Scores;
  Json data = Json::array();
  for (const Text &text : texts) {
    Json rows = Json::array();
    for (size_t at = 0; at < text.rows.size(); at += width) {
      auto row = std::span(text.rows).subspan(at, width);
      if (options.json)
        rows.push_back(std::vector<float>(row.begin(), row.end()));
      else
        fmt::print("{}\n", fmt::join(row, " "));
    }
    data.push_back(
        {{"index", data.size()},
         {scores ? "scores" : "embedding",
          session.resultRows() == ResultRows::Sequences && !rows.empty()
              ? rows[0]
              : rows},
         {"tokens", text.tokens.size()}});
  }
  if (options.json)
    fmt::print("{}\n",
               dumpJson({{"model", options.model},
                         {"dimensions", width},
                         {"normalize", scores ? "none" : options.normalise},
                         {"data", data}}));
}

void printRanking(const Options &options, const std::vector<Text> &texts,
                  const std::vector<double> &scores) {
  std::vector<size_t> order(texts.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return scores[a] > scores[b]; });
  if (options.top)
    order.resize(std::min(options.top, order.size()));
  Json results = Json::array();
  for (size_t index : order) {
    if (!options.json)
      fmt::print("{:10.6f}  {}  {}\n", scores[index], index, texts[index].text);
    results.push_back({{"index", index},
                       {"score", scores[index]},
                       {"text", texts[index].text}});
  }
  if (options.json)
    fmt::print("{}\n", dumpJson({{"model", options.model},
                                 {"query", *options.query},
                                 {"results", results}}));
}

/// How well each text answers: the first of its scores, or the cosine with the
/// query, which is the last text.
std::vector<double> answers(std::vector<Text> &texts, bool cosine) {
  std::vector<float> query;
  if (cosine) {
    query = std::move(texts.back().rows);
    texts.pop_back();
    normalise(query);
  }
  std::vector<double> scores;
  for (Text &text : texts) {
    if (cosine)
      normalise(text.rows);
    scores.push_back(cosine ? dotProduct(query, text.rows) : text.rows[0]);
  }
  return scores;
}

Status checkModel(const Options &options, const Plan &plan) {
  if (plan.result == ResultKind::Logits)
    return Status(Code::InvalidArgument,
                  fmt::format("'{}' is a model that writes text, not one that "
                              "embeds it; run continues a prompt with it",
                              options.model));
  if (options.query && plan.rows != ResultRows::Sequences)
    return Status(Code::InvalidArgument,
                  fmt::format("'{}' gives a row for each token, but ranking "
                              "needs one for each text",
                              options.model));
  return {};
}

Status embed(Options &options) {
  auto artifact = Artifact::open(options.model);
  if (!artifact.ok())
    return artifact.status();
  SINTER_TRY(checkModel(options, artifact->plan()));
  auto texts = readTexts(options);
  if (!texts.ok())
    return texts.status();
  bool cosine = artifact->plan().result == ResultKind::Embedding;
  if (options.query && cosine)
    texts->push_back({*options.query, {}, {}});
  SINTER_TRY(encode(options, *artifact, *texts));
  auto session = openSession(options, *artifact, *texts);
  if (!session.ok())
    return session.status();
  SINTER_TRY(computeRows(options, **session, *texts));
  if (options.query) {
    std::vector<double> scores = answers(*texts, cosine);
    printRanking(options, *texts, scores);
  } else {
    printRows(options, **session, *texts);
  }
  return {};
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Embeds texts with a compiled model, or ranks them", "embed");
  Options options;
  addOptions(app, options);
  return runProgram(app, argc, argv, [&] { return embed(options); });
}
