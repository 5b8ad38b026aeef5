/// Checks what is asked for; an executor does it.
#include "runtime/Session.h"

#include "runtime/ContextLength.h"
#include "runtime/MakeExecutor.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <string>
#include <utility>

namespace sinter {

Result<std::unique_ptr<Session>>
Session::create(Artifact &artifact, const SessionOptions &options) {
  std::vector<std::string> notes;
  Result<std::unique_ptr<Executor>> executor =
      makeExecutor(artifact, options.device, options.threads, notes);
  if (!executor.ok())
    return executor.status();
  const Plan &plan = artifact.plan();
  Result<uint32_t> context =
      chooseContext(plan, options.contextLength, options.maxSequences,
                    (*executor)->freeBytes(), notes);
  if (!context.ok())
    return context.status();
  Result<KvCache> cache =
      KvCache::create(plan.states,
                      {.pageTokens = plan.pageTokens,
                       .contextLength = *context,
                       .sequences = options.maxSequences,
                       .largestStep = plan.regimes.back().maxTokens},
                      (*executor)->stateMemory());
  if (!cache.ok())
    return cache.status();
  Result<RecurrentStates> recurrent = RecurrentStates::create(
      plan.states, options.maxSequences, (*executor)->stateMemory());
  if (!recurrent.ok())
    return recurrent.status();
  std::unique_ptr<Session> session(new Session(artifact, std::move(*executor),
                                               std::move(*cache),
                                               std::move(*recurrent)));
  session->notes_ = std::move(notes);
  session->maxTokens_ = plan.regimes.back().maxTokens;
  session->chunk_ = options.chunk ? options.chunk : session->maxTokens_;
  if (session->chunk_ > session->maxTokens_)
    return Status(Code::InvalidArgument,
                  fmt::format("chunks of {} tokens asked for, expected up to "
                              "{}",
                              options.chunk, session->maxTokens_));
  session->chunkPositions_.resize(session->maxTokens_);
  session->chunkSlots_.resize(session->maxTokens_);
  session->chosen_.resize(session->maxTokens_);
  session->sumTraffic();
  SINTER_TRY(session->executor_->prepare(session->cache_, session->recurrent_));
  return session;
}

void Session::sumTraffic() {
  const Plan &plan = artifact_.plan();
  for (const PlanRegime &regime : plan.regimes) {
    StateTraffic &traffic = perSequence_.emplace_back();
    for (uint32_t i = 0; i < regime.launchCount; ++i) {
      traffic.inPlace += plan.launches[regime.firstLaunch + i].stateBytes;
      traffic.copied += plan.launches[regime.firstLaunch + i].copiedBytes;
    }
  }
}

Status Session::checkSlot(int32_t slot) const {
  if (slot < 0 || uint32_t(slot) >= cache_.sequences())
    return Status(Code::OutOfRange,
                  fmt::format("sequence {} of {} (counted from 0)", slot,
                              cache_.sequences()));
  return {};
}

Status Session::checkTokens(std::span<const int32_t> tokens) const {
  for (size_t i = 0; i < tokens.size(); ++i)
    if (tokens[i] < 0 || uint32_t(tokens[i]) >= vocabulary())
      return Status(Code::OutOfRange,
                    fmt::format("token {} has id {}, expected 0 to {}", i,
                                tokens[i], vocabulary() - 1));
  return {};
}

static uint64_t countSequences(std::span<const int32_t> slots) {
  uint64_t count = 0;
  for (size_t begin = 0; begin < slots.size(); ++count)
    begin = sequenceEnd(slots, begin);
  return count;
}

Status Session::checkStep(const StepInput &input) const {
  size_t tokens = input.tokens.size();
  if (tokens == 0 || tokens > maxTokens_)
    return Status(Code::OutOfRange, fmt::format("step of {} tokens, expected 1 "
                                                "to {}",
                                                tokens, maxTokens_));
  if (input.positions.size() != tokens || input.slots.size() != tokens)
    return Status(Code::InvalidArgument,
                  fmt::format("step of {} tokens has {} positions and {} slots",
                              tokens, input.positions.size(),
                              input.slots.size()));
  SINTER_TRY(checkTokens(input.tokens));
  for (size_t begin = 0; begin < tokens;) {
    int32_t slot = input.slots[begin];
    SINTER_TRY(checkSlot(slot));
    for (size_t i = 0; i < begin; ++i)
      if (input.slots[i] == slot)
        return Status(
            Code::InvalidArgument,
            fmt::format("tokens of sequence {} are not adjacent", slot));
    size_t end = sequenceEnd(input.slots, begin);
    uint32_t held = cache_.length(slot);
    if (held && wholeSequences())
      return Status(Code::InvalidArgument,
                    fmt::format("sequence {} holds {} tokens, but the model "
                                "reads a sequence whole, in one step",
                                slot, held));
    for (size_t i = begin; i < end; ++i)
      if (input.positions[i] < 0 ||
          uint64_t(input.positions[i]) != held + (i - begin))
        return Status(Code::InvalidArgument,
                      fmt::format("token {} has position {}, sequence {} goes "
                                  "on at {}",
                                  i, input.positions[i], slot,
                                  held + (i - begin)));
    if (end - begin > cache_.contextLength() - held)
      return Status(Code::OutOfRange,
                    fmt::format("sequence of {} tokens plus {} exceeds the "
                                "context of {}",
                                held, end - begin, cache_.contextLength()));
    begin = end;
  }
  return checkOutputs(input);
}

Status Session::checkOutputs(const StepInput &input) const {
  size_t tokens = input.tokens.size();
  int64_t previous = -1;
  for (int32_t row : input.outputs) {
    if (row <= previous || uint64_t(row) >= tokens)
      return Status(Code::InvalidArgument,
                    fmt::format("output row {} after {} in a step of {} tokens",
                                row, previous, tokens));
    bool inside = size_t(row) + 1 < tokens &&
                  input.slots[row] == input.slots[size_t(row) + 1];
    if (inside && resultRows() == ResultRows::Sequences)
      return Status(Code::InvalidArgument,
                    fmt::format("output row {} is in the middle of sequence "
                                "{}, but the model gives one row for each",
                                row, input.slots[row]));
    previous = row;
  }
  return {};
}

size_t Session::regimeOf(size_t tokens) const {
  const std::vector<PlanRegime> &regimes = artifact_.plan().regimes;
  size_t index = 0;
  while (regimes[index].maxTokens < tokens)
    ++index;
  assert(index < regimes.size() && "the step was checked");
  return index;
}

/// Nobody knows what the sequences of a failed step hold.
void Session::forget(std::span<const int32_t> slots) {
  for (size_t begin = 0; begin < slots.size();
       begin = sequenceEnd(slots, begin)) {
    Status emptied = truncate(slots[begin], 0);
    assert(emptied.ok() && "0 is always possible");
    (void)emptied;
  }
}

/// Checks a step and makes room for it.
Status Session::begin(const StepInput &input, size_t &regime) {
  SINTER_TRY(checkStep(input));
  for (size_t begin = 0; begin < input.slots.size();) {
    size_t end = sequenceEnd(input.slots, begin);
    SINTER_TRY(cache_.append(input.slots[begin], end - begin));
    begin = end;
  }
  regime = regimeOf(input.tokens.size());
  uint64_t sequences = countSequences(input.slots);
  traffic_.inPlace += perSequence_[regime].inPlace * sequences;
  traffic_.copied += perSequence_[regime].copied * sequences;
  return {};
}

Result<std::span<const float>> Session::step(const StepInput &input) {
  size_t regime = 0;
  SINTER_TRY(begin(input, regime));
  Result<const float *> result = executor_->run({input, regime});
  if (!result.ok()) {
    forget(input.slots);
    return result.status();
  }
  return std::span(*result, input.outputs.size() * resultWidth());
}

Result<std::span<const int32_t>>
Session::choose(const StepInput &input, std::span<const TokenChoice> choices) {
  if (result() != ResultKind::Logits)
    return Status(Code::InvalidArgument, "the model gives no logits to choose "
                                         "tokens by");
  if (choices.size() != input.outputs.size())
    return Status(Code::InvalidArgument,
                  fmt::format("{} choices for {} outputs", choices.size(),
                              input.outputs.size()));
  if (choosesTokens()) {
    size_t regime = 0;
    SINTER_TRY(begin(input, regime));
    Result<std::span<const int32_t>> tokens =
        executor_->choose({input, regime}, choices);
    if (!tokens.ok())
      forget(input.slots);
    return tokens;
  }
  Result<std::span<const float>> logits = step(input);
  if (!logits.ok())
    return logits.status();
  for (size_t row = 0; row < choices.size(); ++row) {
    Result<int32_t> token = chooser_.choose(
        logits->subspan(row * resultWidth(), resultWidth()), choices[row]);
    if (!token.ok())
      return token.status();
    chosen_[row] = *token;
  }
  return std::span<const int32_t>(chosen_).first(choices.size());
}

Status Session::checkAppend(int32_t slot,
                            std::span<const int32_t> tokens) const {
  SINTER_TRY(checkSlot(slot));
  SINTER_TRY(checkTokens(tokens));
  if (tokens.empty())
    return Status(Code::InvalidArgument, "no tokens to append");
  if (tokens.size() > cache_.contextLength() - cache_.length(slot))
    return Status(Code::OutOfRange,
                  fmt::format("sequence of {} tokens plus {} exceeds the "
                              "context of {}",
                              cache_.length(slot), tokens.size(),
                              cache_.contextLength()));
  if (wholeSequences() && tokens.size() > chunk_)
    return Status(Code::OutOfRange,
                  fmt::format("text of {} tokens does not fit into a step of "
                              "{}, and the model reads a text whole (compile "
                              "--chunk makes the largest step)",
                              tokens.size(), chunk_));
  return {};
}

/// The step that appends `tokens`, a chunk of them.
StepInput Session::chunkInput(int32_t slot, std::span<const int32_t> tokens,
                              bool wanted) {
  const size_t count = tokens.size();
  auto start = static_cast<int32_t>(cache_.length(slot));
  for (size_t i = 0; i < count; ++i)
    chunkPositions_[i] = start + static_cast<int32_t>(i);
  std::fill_n(chunkSlots_.begin(), count, slot);
  lastOfChunk_ = static_cast<int32_t>(count - 1);
  return {tokens, std::span(chunkPositions_).first(count),
          std::span(chunkSlots_).first(count),
          std::span(&lastOfChunk_, wanted ? 1 : 0)};
}

Result<std::span<const float>> Session::append(int32_t slot,
                                               std::span<const int32_t> tokens,
                                               Outputs outputs) {
  SINTER_TRY(checkAppend(slot, tokens));
  std::span<const float> logits;
  while (!tokens.empty()) {
    size_t count = std::min<size_t>(tokens.size(), chunk_);
    bool wanted = outputs == Outputs::Last && count == tokens.size();
    Result<std::span<const float>> result =
        step(chunkInput(slot, tokens.first(count), wanted));
    if (!result.ok())
      return result.status();
    logits = *result;
    tokens = tokens.subspan(count);
  }
  return logits;
}

Result<int32_t> Session::appendAndChoose(int32_t slot,
                                         std::span<const int32_t> tokens,
                                         const TokenChoice &choice) {
  SINTER_TRY(checkAppend(slot, tokens));
  const size_t before = (tokens.size() - 1) / chunk_ * chunk_;
  if (before) {
    auto done = append(slot, tokens.first(before), Outputs::None);
    if (!done.ok())
      return done.status();
  }
  Result<std::span<const int32_t>> chosen = choose(
      chunkInput(slot, tokens.subspan(before), true), std::span(&choice, 1));
  if (!chosen.ok())
    return chosen.status();
  return chosen->front();
}

} // namespace sinter
