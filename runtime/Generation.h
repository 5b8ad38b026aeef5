/// Writes a text: prompt in, tokens out one by one, with times.
#ifndef SINTER_RUNTIME_GENERATION_H
#define SINTER_RUNTIME_GENERATION_H

#include "runtime/Sampler.h"
#include "runtime/Session.h"
#include "runtime/Status.h"
#include "runtime/Tokenizer.h"

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

struct GenerationOptions {
  int64_t maxTokens = -1; ///< -1: until the model ends or the context is full
  bool ignoreEnd = false; ///< never choose a token that ends the text
};

enum class StopReason {
  End,         ///< the model ended its text
  Length,      ///< maxTokens were written
  Context,     ///< the context is full
  Interrupted, ///< the caller asked for it
};

/// "end", "length", "context" or "interrupted".
const char *stopName(StopReason reason);

struct Generation {
  using Time = std::chrono::steady_clock::time_point;

  std::vector<int32_t> tokens; ///< without the one that ended the text
  std::string text;            ///< of these, as given to the sink
  StopReason stop = StopReason::End;
  uint64_t promptTokens = 0;
  double prefillSeconds = 0;
  uint64_t decodeSteps = 0; ///< steps after the first token
  double decodeSeconds = 0;
  Time firstToken = {}; ///< when the first token was chosen
};

/// Gets text as it is written, in whole UTF-8 characters.
using TextSink = std::function<void(std::string_view text)>;

/// Appends `prompt` to sequence 0 of the session and writes what follows.
/// `interrupted` is looked at before every step. Errors: InvalidArgument for
/// an empty prompt and a model that gives no logits, OutOfRange for one that
/// leaves no room.
Result<Generation> generate(Session &session, const Tokenizer &tokenizer,
                            Sampler &sampler, std::span<const int32_t> prompt,
                            const GenerationOptions &options,
                            const std::atomic<bool> &interrupted,
                            const TextSink &sink);

} // namespace sinter

#endif // SINTER_RUNTIME_GENERATION_H
