/// Turns the plan into addresses once, so that a step is checks, angles and
/// one walk over a list.
#include "runtime/Session.h"

#include "runtime/RopeTables.h"
#include "runtime/cpu/Topology.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>
#include <sys/mman.h>
#include <utility>

namespace sinter {

/// Bytes of weights (times tokens) and of caches below which a step stays on
/// the caller's thread: about 0.1 ms of work, in which other threads gain
/// little on a quiet machine and cost a scheduler's slice per barrier on a busy
/// one.
static constexpr uint64_t kSmallStep = 4 << 20;

Result<std::unique_ptr<Session>>
Session::create(Artifact &artifact, const SessionOptions &options) {
  const Plan &plan = artifact.plan();
  uint32_t context =
      options.contextLength ? options.contextLength : plan.contextLength;
  if (context > kMaxContext)
    return Status(Code::InvalidArgument,
                  fmt::format("context of {} tokens asked for, expected up to "
                              "{}",
                              context, kMaxContext));
  if (plan.positions && context > plan.positions)
    return Status(Code::InvalidArgument,
                  fmt::format("context of {} tokens asked for, the model knows "
                              "{} positions",
                              context, plan.positions));
  SINTER_TRY(artifact.loadKernels(options.device));
  Result<KvCache> cache = KvCache::create(
      plan.states, {.pageTokens = plan.pageTokens,
                    .contextLength = context,
                    .sequences = options.maxSequences,
                    .largestStep = plan.regimes.back().maxTokens});
  if (!cache.ok())
    return cache.status();
  Result<RecurrentStates> recurrent =
      RecurrentStates::create(plan.states, options.maxSequences);
  if (!recurrent.ok())
    return recurrent.status();
  std::unique_ptr<Session> session(
      new Session(artifact, std::move(*cache), std::move(*recurrent)));
  int threads = options.threads ? options.threads : defaultThreads();
  // With fewer threads than cores, another program's may need the same core.
  Result<std::unique_ptr<ThreadPool>> pool =
      ThreadPool::create(threads, oneOfEachCore(allowedProcessors()));
  if (!pool.ok())
    return pool.status();
  session->pool_ = std::move(*pool);
  session->maxTokens_ = plan.regimes.back().maxTokens;
  session->chunk_ = options.chunk ? options.chunk : session->maxTokens_;
  if (session->chunk_ > session->maxTokens_)
    return Status(Code::InvalidArgument,
                  fmt::format("chunks of {} tokens asked for, expected up to "
                              "{}",
                              options.chunk, session->maxTokens_));
  SINTER_TRY(session->reserveBuffers());
  session->bindRegimes();
  return session;
}

Status Session::reserveBuffers() {
  const Plan &plan = artifact_.plan();
  uint64_t arenaBytes = 0;
  for (const PlanRegime &regime : plan.regimes)
    arenaBytes = std::max(arenaBytes, regime.arenaBytes);
  auto reserve = [](uint64_t bytes, const char *what,
                    MappedMemory &into) -> Status {
    Result<MappedMemory> memory = MappedMemory::reserve(bytes, what);
    if (!memory.ok())
      return memory.status();
    into = std::move(*memory);
    return {};
  };
  SINTER_TRY(reserve(arenaBytes, "activations", arena_));
  if (arena_.data())
    madvise(arena_.data(), arena_.size(), MADV_HUGEPAGE);
  SINTER_TRY(reserve(uint64_t(maxTokens_) * plan.resultWidth * sizeof(float),
                     "logits", logits_));
  ropeTables_.resize(plan.ropeTables.size());
  for (size_t i = 0; i < ropeTables_.size(); ++i)
    SINTER_TRY(reserve(uint64_t(maxTokens_) * 2 * plan.ropeTables[i].pairs *
                           sizeof(float),
                       "rotary angles", ropeTables_[i]));
  chunkPositions_.resize(maxTokens_);
  chunkSlots_.resize(maxTokens_);
  return {};
}

void *Session::address(const PlanOperand &operand) const {
  switch (operand.kind) {
  case OperandKind::Arena:
    return arena_.data() + operand.offset;
  case OperandKind::Weight:
    return const_cast<std::byte *>(artifact_.weights().data()) + operand.offset;
  case OperandKind::State: {
    void *state = recurrent_.pool(operand.index);
    return state ? state : cache_.operand(operand.index);
  }
  case OperandKind::RopeTable:
    return ropeTables_[operand.index].data();
  case OperandKind::Logits:
    return logits_.data();
  }
  assert(false && "a checked plan has no other operands");
  return nullptr;
}

void Session::bindRegimes() {
  const Plan &plan = artifact_.plan();
  regimes_.reserve(plan.regimes.size());
  for (const PlanRegime &from : plan.regimes) {
    Regime &regime = regimes_.emplace_back();
    regime.maxTokens = from.maxTokens;
    regime.firstLaunch = from.firstLaunch;
    for (uint32_t i = 0; i < from.launchCount; ++i) {
      const PlanLaunch &launch = plan.launches[from.firstLaunch + i];
      regime.weightBytes +=
          static_cast<uint64_t>(launch.weightBytes * launch.weightShare);
      regime.perSequence.inPlace += launch.stateBytes;
      regime.perSequence.copied += launch.copiedBytes;
    }
    auto first = plan.launches.begin() + from.firstLaunch;
    std::span<const PlanLaunch> launches(first, from.launchCount);
    size_t operands = 0;
    for (const PlanLaunch &launch : launches)
      operands += launch.operandCount;
    regime.operands.reserve(operands); // launches keep pointers into it
    regime.launches.reserve(launches.size());
    for (const PlanLaunch &launch : launches) {
      void *const *bound = regime.operands.data() + regime.operands.size();
      for (uint32_t i = 0; i < launch.operandCount; ++i)
        regime.operands.push_back(
            address(plan.operands[launch.firstOperand + i]));
      regime.launches.push_back({artifact_.kernels()[launch.kernel], bound,
                                 launch.dimension, launch.count, launch.tile,
                                 launch.barrier, launch.replicated != 0,
                                 launch.shares, std::to_array(launch.parts)});
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

/// A run of equal slots is one sequence; `end` is one past its last token.
static size_t sequenceEnd(std::span<const int32_t> slots, size_t begin) {
  size_t end = begin + 1;
  while (end < slots.size() && slots[end] == slots[begin])
    ++end;
  return end;
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

void Session::fillRopeTables(std::span<const int32_t> positions) {
  const Plan &plan = artifact_.plan();
  for (size_t i = 0; i < ropeTables_.size(); ++i) {
    const PlanRopeTable &rope = plan.ropeTables[i];
    const auto *frequencies = reinterpret_cast<const float *>(
        artifact_.weights().data() + rope.frequencies);
    if (rope.longFrom != 0 && contextLength() > rope.longFrom)
      frequencies += rope.pairs;
    fillRopeTable(positions, rope, frequencies,
                  reinterpret_cast<float *>(ropeTables_[i].data()));
  }
}

void Session::run(const StepInput &input) {
  fillRopeTables(input.positions);
  Batch batch = {};
  batch.tokens = static_cast<int32_t>(input.tokens.size());
  batch.outputRows = static_cast<int32_t>(input.outputs.size());
  batch.tokenIds = input.tokens.data();
  batch.positions = input.positions.data();
  batch.slots = input.slots.data();
  batch.outputs = input.outputs.data();
  batch.blockTable = cache_.blockTable();
  batch.blockStride = cache_.blockStride();
  auto regime = std::find_if(
      regimes_.begin(), regimes_.end(), [&](const Regime &candidate) {
        return candidate.maxTokens >= input.tokens.size();
      });
  assert(regime != regimes_.end() && "the step was checked");
  std::span<LaunchTime> times(times_);
  if (!times.empty())
    times = times.subspan(regime->firstLaunch, regime->launches.size());
  uint64_t work = regime->weightBytes * input.tokens.size();
  for (int32_t position : input.positions)
    work += cache_.readBytes(position);
  uint64_t sequences = countSequences(input.slots);
  traffic_.inPlace += regime->perSequence.inPlace * sequences;
  traffic_.copied += regime->perSequence.copied * sequences;
  work += recurrent_.sequenceBytes() * sequences;
  runLaunches(work < kSmallStep ? nullptr : pool_.get(), regime->launches,
              batch, times);
}

void Session::startProfile() {
  times_.assign(artifact_.plan().launches.size(), LaunchTime());
}

Result<std::span<const float>> Session::step(const StepInput &input) {
  SINTER_TRY(checkStep(input));
  for (size_t begin = 0; begin < input.slots.size();) {
    size_t end = sequenceEnd(input.slots, begin);
    SINTER_TRY(cache_.append(input.slots[begin], end - begin));
    begin = end;
  }
  run(input);
  SINTER_TRY(artifact_.kernelFault());
  return std::span(reinterpret_cast<const float *>(logits_.data()),
                   input.outputs.size() * resultWidth());
}

Result<std::span<const float>> Session::append(int32_t slot,
                                               std::span<const int32_t> tokens,
                                               Outputs outputs) {
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
  std::span<const float> logits;
  while (!tokens.empty()) {
    size_t count = std::min<size_t>(tokens.size(), chunk_);
    auto start = static_cast<int32_t>(cache_.length(slot));
    for (size_t i = 0; i < count; ++i)
      chunkPositions_[i] = start + static_cast<int32_t>(i);
    std::fill_n(chunkSlots_.begin(), count, slot);
    auto last = static_cast<int32_t>(count - 1);
    bool wanted = outputs == Outputs::Last && count == tokens.size();
    Result<std::span<const float>> result =
        step({tokens.first(count), std::span(chunkPositions_).first(count),
              std::span(chunkSlots_).first(count),
              std::span(&last, wanted ? 1 : 0)});
    if (!result.ok())
      return result.status();
    logits = *result;
    tokens = tokens.subspan(count);
  }
  return logits;
}

} // namespace sinter
