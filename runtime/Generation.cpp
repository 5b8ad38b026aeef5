/// The loop that every text generator has: sample, show, step.
#include "runtime/Generation.h"

#include "runtime/TextStream.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

namespace sinter {

using Clock = std::chrono::steady_clock;

static double secondsSince(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

const char *stopName(StopReason reason) {
  switch (reason) {
  case StopReason::End:
    return "end";
  case StopReason::Length:
    return "length";
  case StopReason::Context:
    return "context";
  case StopReason::Interrupted:
    return "interrupted";
  }
  return "?";
}

namespace {

/// What one text in the making consists of.
class Writer {
public:
  Writer(Session &session, const Tokenizer &tokenizer, Sampler &sampler,
         const GenerationOptions &options, const TextSink &sink)
      : session_(session), tokenizer_(tokenizer), sampler_(sampler),
        options_(options), sink_(sink) {}

  /// Reads the prompt in chunks, so that an interrupt need not wait for all of
  /// it. Returns no token if interrupted.
  Result<int32_t> prefill(std::span<const int32_t> prompt,
                          const std::atomic<bool> &interrupted);

  /// Shows, steps and samples from `token` on, until there is a reason to stop.
  Status decode(int32_t token, const std::atomic<bool> &interrupted);

  Generation take();

private:
  Result<int32_t> next(std::span<const int32_t> tokens);
  Result<int32_t> sample(std::span<const float> logits);
  void show(const std::string &text);
  bool reached(StopReason reason) {
    result_.stop = reason;
    return true;
  }
  bool isOver(const std::atomic<bool> &interrupted);

  Session &session_;
  const Tokenizer &tokenizer_;
  Sampler &sampler_;
  const GenerationOptions &options_;
  const TextSink &sink_;
  TextStream stream_;
  std::vector<float> masked_;
  Generation result_;
};

Result<int32_t> Writer::prefill(std::span<const int32_t> prompt,
                                const std::atomic<bool> &interrupted) {
  Clock::time_point start = Clock::now();
  for (int32_t token : prompt)
    sampler_.accept(token);
  Result<int32_t> token = 0;
  while (token.ok() && !prompt.empty() && !interrupted) {
    size_t count = std::min<size_t>(prompt.size(), session_.chunk());
    if (count == prompt.size()) {
      token = next(prompt);
    } else {
      auto step = session_.append(0, prompt.first(count), Outputs::None);
      if (!step.ok())
        return step.status();
    }
    result_.promptTokens += count;
    prompt = prompt.subspan(count);
  }
  result_.prefillSeconds = secondsSince(start);
  return token;
}

/// Appends tokens and chooses the one behind them: on the device, if nothing
/// needs its logits.
Result<int32_t> Writer::next(std::span<const int32_t> tokens) {
  if (!session_.choosesTokens() || sampler_.penalizes() || options_.ignoreEnd) {
    auto logits = session_.append(0, tokens);
    return logits.ok() ? sample(*logits) : Result<int32_t>(logits.status());
  }
  return session_.appendAndChoose(0, tokens, sampler_.nextChoice());
}

Result<int32_t> Writer::sample(std::span<const float> logits) {
  if (options_.ignoreEnd) {
    masked_.assign(logits.begin(), logits.end());
    for (size_t id = 0; id < masked_.size(); ++id)
      if (tokenizer_.isEndOfGeneration(static_cast<int32_t>(id)))
        masked_[id] = -std::numeric_limits<float>::infinity();
    logits = masked_;
  }
  Result<int32_t> token = sampler_.sample(logits);
  if (token.ok())
    sampler_.accept(*token);
  return token;
}

void Writer::show(const std::string &text) {
  if (text.empty())
    return;
  result_.text += text;
  if (sink_)
    sink_(text);
}

bool Writer::isOver(const std::atomic<bool> &interrupted) {
  if (interrupted)
    return reached(StopReason::Interrupted);
  if (options_.maxTokens >= 0 &&
      result_.tokens.size() >= uint64_t(options_.maxTokens))
    return reached(StopReason::Length);
  return false;
}

Status Writer::decode(int32_t token, const std::atomic<bool> &interrupted) {
  Clock::time_point start = Clock::now();
  while (!isOver(interrupted)) {
    if (result_.firstToken == Clock::time_point()) {
      result_.firstToken = Clock::now();
      start = result_.firstToken; // the rest is what decoding takes
    }
    if (tokenizer_.isEndOfGeneration(token)) {
      reached(StopReason::End);
      break;
    }
    result_.tokens.push_back(token);
    show(stream_.feed(tokenizer_.piece(token, false)));
    if (isOver(interrupted))
      break;
    if (session_.length(0) == session_.contextLength()) {
      reached(StopReason::Context);
      break;
    }
    Result<int32_t> following = next(std::span(&token, 1));
    if (!following.ok())
      return following.status();
    token = *following;
    ++result_.decodeSteps;
  }
  result_.decodeSeconds = secondsSince(start);
  show(stream_.finish());
  return {};
}

Generation Writer::take() { return std::move(result_); }

} // namespace

Result<Generation> generate(Session &session, const Tokenizer &tokenizer,
                            Sampler &sampler, std::span<const int32_t> prompt,
                            const GenerationOptions &options,
                            const std::atomic<bool> &interrupted,
                            const TextSink &sink) {
  if (session.result() != ResultKind::Logits)
    return Status(Code::InvalidArgument, "the model gives no logits to choose "
                                         "tokens by");
  if (prompt.empty())
    return Status(Code::InvalidArgument, "prompt has no tokens");
  uint32_t room = session.contextLength() - session.length(0);
  if (prompt.size() > room)
    return Status(Code::OutOfRange,
                  fmt::format("prompt has {} tokens, the context has room for "
                              "{} (a larger --ctx gives more)",
                              prompt.size(), room));
  Writer writer(session, tokenizer, sampler, options, sink);
  Result<int32_t> token = writer.prefill(prompt, interrupted);
  if (!token.ok())
    return token.status();
  SINTER_TRY(writer.decode(*token, interrupted));
  return writer.take();
}

} // namespace sinter
