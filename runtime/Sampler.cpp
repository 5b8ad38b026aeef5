// Penalties and random numbers; TokenChooser does the rest.
#include "runtime/Sampler.h"

#include <bit>
#include <fmt/format.h>

namespace sinter {
namespace {

Status checkOption(const char *flag, double value, double lowest,
                   double highest) {
  if (value >= lowest && value <= highest)
    return Status();
  return Status(
      Code::InvalidArgument,
      fmt::format("{} is {}, expected {} to {}", flag, value, lowest, highest));
}

} // namespace

RandomGenerator::RandomGenerator(uint64_t seed) {
  for (uint64_t &word : state) { // SplitMix64
    seed += 0x9E3779B97F4A7C15;
    uint64_t mixed = (seed ^ seed >> 30) * 0xBF58476D1CE4E5B9;
    mixed = (mixed ^ mixed >> 27) * 0x94D049BB133111EB;
    word = mixed ^ mixed >> 31;
  }
}

uint64_t RandomGenerator::next() {
  uint64_t result = std::rotl(state[1] * 5, 7) * 9;
  uint64_t shifted = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= shifted;
  state[3] = std::rotl(state[3], 45);
  return result;
}

double RandomGenerator::nextUnit() {
  return static_cast<double>(next() >> 11) * 0x1p-53;
}

Result<Sampler> Sampler::create(const SamplerOptions &options) {
  constexpr double kLarge = 1e6;
  SINTER_TRY(checkOption("--temp", options.temperature, 0, kLarge));
  SINTER_TRY(checkOption("--top-p", options.topP, 0, 1));
  SINTER_TRY(checkOption("--min-p", options.minP, 0, 1));
  SINTER_TRY(
      checkOption("--repeat-penalty", options.repeatPenalty, 1e-6, kLarge));
  SINTER_TRY(checkOption("--repeat-last-n", options.repeatLastN, -1, kLarge));
  SINTER_TRY(checkOption("--presence-penalty", options.presencePenalty, -kLarge,
                         kLarge));
  SINTER_TRY(checkOption("--frequency-penalty", options.frequencyPenalty,
                         -kLarge, kLarge));
  return Sampler(options);
}

Sampler::Sampler(const SamplerOptions &options)
    : options(options), random(options.seed) {
  if (penalizes() && options.repeatLastN > 0)
    history.reserve(static_cast<size_t>(options.repeatLastN));
}

bool Sampler::penalizes() const {
  return options.repeatLastN != 0 &&
         (options.repeatPenalty != 1 || options.presencePenalty != 0 ||
          options.frequencyPenalty != 0);
}

void Sampler::accept(int32_t token) {
  if (!penalizes())
    return;
  auto window = static_cast<size_t>(options.repeatLastN);
  if (options.repeatLastN < 0 || history.size() < window) {
    history.push_back(token);
    return;
  }
  history[nextInHistory] = token;
  nextInHistory = (nextInHistory + 1) % window;
}

TokenChoice Sampler::nextChoice() {
  return {.chance = options.temperature == 0 ? 0 : random.nextUnit(),
          .temperature = options.temperature,
          .topP = options.topP,
          .minP = options.minP,
          .topK = options.topK};
}

Result<int32_t> Sampler::sample(std::span<const float> logits) {
  return chooser.choose(penalize(logits), nextChoice());
}

/// The repeat penalty of Keskar et al. 2019 (CTRL), applied away from zero so
/// that negative logits sink too; presence and frequency as OpenAI's API
/// defines them.
std::span<const float> Sampler::penalize(std::span<const float> logits) {
  if (!penalizes() || history.empty())
    return logits;
  penalized.assign(logits.begin(), logits.end());
  counts.resize(logits.size());
  auto inRow = [&](int32_t token) {
    return token >= 0 && static_cast<size_t>(token) < logits.size();
  };
  for (int32_t token : history)
    if (inRow(token))
      ++counts[token];
  for (int32_t token : history) {
    if (!inRow(token) || counts[token] == 0)
      continue;
    float &logit = penalized[token];
    logit = logit <= 0 ? logit * options.repeatPenalty
                       : logit / options.repeatPenalty;
    logit -= static_cast<float>(counts[token]) * options.frequencyPenalty +
             options.presencePenalty;
    counts[token] = 0;
  }
  return penalized;
}

} // namespace sinter
