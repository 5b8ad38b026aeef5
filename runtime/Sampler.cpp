// Narrows the logits to a short ranked list before anything costly is done.
#include "runtime/Sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <fmt/format.h>

namespace sinter {
namespace {

/// How many of all tokens are ranked first, and by how much more each time,
/// where top-k is off and the tail is usually cut early.
constexpr size_t kFirstRanked = 256;
constexpr size_t kRankedGrowth = 8;

Status checkOption(const char *flag, double value, double lowest,
                   double highest) {
  if (value >= lowest && value <= highest)
    return Status();
  return Status(
      Code::InvalidArgument,
      fmt::format("{} is {}, expected {} to {}", flag, value, lowest, highest));
}

/// The lowest id of the greatest logit; -1 if no logit is a number above minus
/// infinity, since comparisons with no number are false.
int32_t mostLikely(std::span<const float> logits) {
  float greatest = -INFINITY;
  int32_t best = -1;
  for (size_t id = 0; id < logits.size(); ++id)
    if (logits[id] > greatest) {
      greatest = logits[id];
      best = static_cast<int32_t>(id);
    }
  return best;
}

Status nothingToChoose(std::span<const float> logits) {
  return Status(
      Code::Internal,
      fmt::format("none of {} logits is a number to choose by", logits.size()));
}

double relativeWeight(float logit, float greatest) {
  // Equal infinities would subtract to no number.
  return logit == greatest ? 1.0 : std::exp(double(logit) - double(greatest));
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

Result<int32_t> Sampler::sample(std::span<const float> logits) {
  logits = penalize(logits);
  if (options.temperature == 0) {
    int32_t best = mostLikely(logits);
    return best >= 0 ? Result<int32_t>(best) : nothingToChoose(logits);
  }
  keepTopK(logits);
  if (candidates.empty())
    return nothingToChoose(logits);
  keepTopPAndMinP();
  return draw();
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

/// Leaves the topK best in `candidates`, ranked, or all in order of id.
void Sampler::keepTopK(std::span<const float> logits) {
  candidates.clear();
  auto wanted = static_cast<size_t>(std::max(options.topK, 0));
  bool all = wanted == 0 || wanted >= logits.size();
  wanted = all ? logits.size() : wanted;
  candidates.reserve(wanted);
  // Ids ascend, so a later equal logit never displaces an earlier one, and one
  // comparison settles almost all; it also leaves out what is no number.
  float threshold = -INFINITY;
  for (size_t id = 0; id < logits.size(); ++id) {
    if (!(logits[id] > threshold))
      continue;
    if (candidates.size() == wanted) {
      std::pop_heap(candidates.begin(), candidates.end());
      candidates.pop_back();
    }
    candidates.push_back({logits[id], static_cast<int32_t>(id)});
    if (all)
      continue;
    std::push_heap(candidates.begin(), candidates.end()); // worst on top
    if (candidates.size() == wanted)
      threshold = candidates.front().logit;
  }
  if (!all)
    std::sort_heap(candidates.begin(), candidates.end());
}

/// Ranks more of `candidates`, of which the first `ranked` are; returns how
/// many are then.
size_t Sampler::rankBest(size_t ranked) {
  size_t more = std::min(std::max(ranked * kRankedGrowth, kFirstRanked),
                         candidates.size());
  auto first = candidates.begin() + static_cast<ptrdiff_t>(ranked);
  auto middle = candidates.begin() + static_cast<ptrdiff_t>(more);
  if (middle != candidates.end())
    std::nth_element(first, middle, candidates.end());
  std::sort(first, middle);
  return more;
}

/// Both keep a beginning of the ranked list, so the shorter one stays.
void Sampler::keepTopPAndMinP() {
  if (options.topP >= 1 && options.minP <= 0)
    return;
  float greatest = -INFINITY;
  for (const Candidate &candidate : candidates)
    greatest = std::max(greatest, candidate.logit);
  double total = 0;
  for (const Candidate &candidate : candidates)
    total += relativeWeight(candidate.logit, greatest);
  double sum = 0;
  size_t kept = 0, ranked = 0;
  while (kept < candidates.size()) {
    if (kept == ranked)
      ranked = rankBest(ranked);
    double weight = relativeWeight(candidates[kept].logit, greatest);
    if (kept > 0 && weight < options.minP)
      break;
    sum += weight;
    ++kept;
    if (options.topP < 1 && sum >= options.topP * total)
      break;
  }
  candidates.resize(kept);
}

int32_t Sampler::draw() {
  float greatest = -INFINITY;
  for (const Candidate &candidate : candidates)
    greatest = std::max(greatest, candidate.logit);
  weights.clear();
  weights.reserve(candidates.capacity());
  double total = 0;
  for (const Candidate &candidate : candidates) {
    double distance = candidate.logit == greatest
                          ? 0.0
                          : double(candidate.logit) - double(greatest);
    weights.push_back(std::exp(distance / options.temperature));
    total += weights.back();
  }
  double left = random.nextUnit() * total;
  size_t chosen = 0;
  while (chosen + 1 < weights.size() && left >= weights[chosen])
    left -= weights[chosen++];
  return candidates[chosen].id;
}

} // namespace sinter
