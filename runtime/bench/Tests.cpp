/// Feeds tokens that are all over the vocabulary: neighbours in it would share
/// rows of the embedding.
#include "runtime/bench/Tests.h"

#include "runtime/Sampler.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace sinter {
namespace {

std::vector<int32_t> someTokens(uint32_t count, uint32_t vocabulary) {
  std::vector<int32_t> tokens(count);
  uint64_t state = 1;
  for (int32_t &token : tokens) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    token = static_cast<int32_t>((state >> 33) % vocabulary);
  }
  return tokens;
}

double secondsSince(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start)
      .count();
}

Status fill(Session &session, const BenchTest &test) {
  auto earlier = someTokens(test.depth, session.vocabulary());
  for (uint32_t slot = 0; slot < test.sequences; ++slot) {
    SINTER_TRY(session.truncate(static_cast<int32_t>(slot), 0));
    if (test.depth == 0)
      continue;
    auto done =
        session.append(static_cast<int32_t>(slot), earlier, Outputs::None);
    if (!done.ok())
      return done.status();
  }
  return {};
}

/// One run of one test; its arrays exist before the clock starts.
class Run {
public:
  Run(Session &session, const BenchTest &test)
      : session(session), test(test),
        tokens(someTokens(test.tokens * (test.decode ? test.sequences : 1),
                          session.vocabulary())) {
    for (uint32_t i = 0; i < test.sequences; ++i)
      slots.push_back(i);
    positions.resize(test.sequences);
    // What `run` does if nothing else is asked for.
    const SamplerOptions usual;
    choices.assign(test.sequences, {.chance = 0.5,
                                    .temperature = usual.temperature,
                                    .topP = usual.topP,
                                    .minP = usual.minP,
                                    .topK = usual.topK});
  }

  /// Adds the time of each step to `times`, which has room for them.
  Status once(std::vector<double> &times) {
    return test.decode ? decode(times) : prefill(times);
  }

  /// Remembers what cannot be cut back, so that rewind() may be called.
  Status keep() {
    if (session.recurrent().empty() || test.depth == 0)
      return {};
    for (int32_t slot : slots) {
      auto saved = session.snapshot(slot, SnapshotScope::Recurrent);
      if (!saved.ok())
        return saved.status();
      kept.push_back(std::move(*saved));
    }
    return {};
  }

  /// Back to the depth; where windows no longer hold its last tokens, they are
  /// computed again.
  Status rewind() {
    for (int32_t slot : slots)
      if (!kept.empty())
        SINTER_TRY(session.restore(slot, kept[slot]));
      else if (!session.truncate(slot, test.depth).ok())
        return fill(session, test);
    return {};
  }

private:
  Status prefill(std::vector<double> &times) {
    for (uint32_t begin = 0; begin < test.tokens; begin += session.chunk()) {
      uint32_t count = std::min(session.chunk(), test.tokens - begin);
      bool last = begin + count == test.tokens;
      auto start = std::chrono::steady_clock::now();
      auto logits = session.append(0, std::span(tokens).subspan(begin, count),
                                   last ? Outputs::Last : Outputs::None);
      if (!logits.ok())
        return logits.status();
      times.push_back(secondsSince(start));
    }
    return {};
  }

  Status decode(std::vector<double> &times) {
    for (uint32_t i = 0; i < test.tokens; ++i) {
      std::fill(positions.begin(), positions.end(),
                static_cast<int32_t>(test.depth + i));
      auto start = std::chrono::steady_clock::now();
      SINTER_TRY(decodeStep({std::span(tokens).subspan(
                                 size_t(i) * test.sequences, test.sequences),
                             positions, slots, slots}));
      times.push_back(secondsSince(start));
    }
    return {};
  }

  Status decodeStep(const StepInput &step) {
    if (test.choose && session.choosesTokens())
      return session.choose(step, choices).status();
    return session.step(step).status();
  }

  Session &session;
  const BenchTest &test;
  std::vector<int32_t> tokens, slots, positions;
  std::vector<TokenChoice> choices;
  std::vector<std::vector<std::byte>> kept; ///< [slot]
};

Work workOf(const Plan &plan, const Session &session, const BenchTest &test) {
  Work work;
  if (test.decode) {
    for (uint32_t i = 0; i < test.tokens; ++i)
      work += stepWork(plan, {.sequences = test.sequences,
                              .tokens = 1,
                              .depth = test.depth + i,
                              .outputs = test.sequences});
    return work;
  }
  for (uint32_t begin = 0; begin < test.tokens; begin += session.chunk()) {
    uint32_t count = std::min(session.chunk(), test.tokens - begin);
    work += stepWork(plan, {.sequences = 1,
                            .tokens = count,
                            .depth = test.depth + begin,
                            .outputs = begin + count == test.tokens});
  }
  return work;
}

} // namespace

std::string BenchTest::name() const {
  std::string name = fmt::format("{}{}", decode ? "tg" : "pp", tokens);
  if (depth)
    name += fmt::format("@d{}", depth);
  if (sequences > 1)
    name += fmt::format("@b{}", sequences);
  return name;
}

double quantile(const std::vector<double> &ascending, double fraction) {
  auto index = static_cast<size_t>(fraction * double(ascending.size()));
  return ascending[std::min(index, ascending.size() - 1)];
}

Result<BenchTiming> runTest(Session &session, const Plan &plan,
                            const BenchTest &test, uint32_t repeat,
                            AllocationCounter allocations, bool profile) {
  const uint64_t positions = test.positions();
  if (positions > session.contextLength())
    return Status(Code::OutOfRange,
                  fmt::format("needs {} positions, the context has {}",
                              positions, session.contextLength()));
  SINTER_TRY(fill(session, test));
  Run run(session, test);
  SINTER_TRY(run.keep());
  BenchTiming timing;
  timing.work = workOf(plan, session, test);
  timing.runSteps = test.decode
                        ? test.tokens
                        : (test.tokens + session.chunk() - 1) / session.chunk();
  timing.steps.reserve(size_t(repeat) * timing.runSteps);
  timing.seconds.reserve(repeat);
  for (uint32_t i = 0; i <= repeat; ++i) {
    SINTER_TRY(run.rewind());
    uint64_t before = allocations();
    StateTraffic moved = session.stateTraffic();
    auto start = std::chrono::steady_clock::now();
    SINTER_TRY(run.once(timing.steps));
    double seconds = secondsSince(start);
    if (i == 0) { // only warms up
      timing.steps.clear();
      if (profile)
        session.startProfile();
      continue;
    }
    timing.allocations += allocations() - before;
    timing.states.inPlace += session.stateTraffic().inPlace - moved.inPlace;
    timing.states.copied += session.stateTraffic().copied - moved.copied;
    timing.seconds.push_back(seconds);
  }
  std::sort(timing.seconds.begin(), timing.seconds.end());
  std::sort(timing.steps.begin(), timing.steps.end());
  return timing;
}

} // namespace sinter
