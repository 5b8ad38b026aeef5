// Narrows the logits to a short ranked list before anything costly is done.
#include "runtime/TokenChooser.h"

#include "runtime/SampleWeights.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>

namespace sinter {
namespace {

/// How many of all tokens are ranked first, and by how much more each time,
/// where top-k is off and the tail is usually cut early.
constexpr size_t kFirstRanked = 256;
constexpr size_t kRankedGrowth = 8;

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

/// Of a logit that may be no number, which weighs nothing.
double weightOf(float logit, float greatest, double temperature) {
  return logit > -INFINITY ? sampleWeight(logit, greatest, temperature) : 0.0;
}

} // namespace

Result<int32_t> TokenChooser::choose(std::span<const float> logits,
                                     const TokenChoice &choice) {
  const bool cut = choice.topP < 1 || choice.minP > 0;
  const bool all = choice.topK <= 0 || size_t(choice.topK) >= logits.size();
  if (choice.temperature == 0 || all) {
    const int32_t best = mostLikely(logits);
    if (best < 0)
      return nothingToChoose(logits);
    if (choice.temperature == 0)
      return best;
    greatest_ = logits[static_cast<size_t>(best)];
    if (!cut)
      return drawFromAll(logits, choice);
  }
  keepTopK(logits, choice.topK);
  if (candidates_.empty())
    return nothingToChoose(logits);
  if (!all)
    greatest_ = candidates_.front().logit;
  if (cut)
    keepTopPAndMinP(choice, choice.topP >= 1 ? 0
                            : all            ? sumRuns(logits, 1)
                                             : totalByRank());
  return drawByRank(choice);
}

/// Leaves the topK best in candidates_, ranked, or all in order of id.
void TokenChooser::keepTopK(std::span<const float> logits, int32_t topK) {
  candidates_.clear();
  auto wanted = static_cast<size_t>(std::max(topK, 0));
  bool all = wanted == 0 || wanted >= logits.size();
  wanted = all ? logits.size() : wanted;
  candidates_.reserve(wanted);
  // Ids ascend, so a later equal logit never displaces an earlier one, and one
  // comparison settles almost all; it also leaves out what is no number.
  float threshold = -INFINITY;
  for (size_t id = 0; id < logits.size(); ++id) {
    if (!(logits[id] > threshold))
      continue;
    if (candidates_.size() == wanted) {
      std::pop_heap(candidates_.begin(), candidates_.end());
      candidates_.pop_back();
    }
    candidates_.push_back({logits[id], static_cast<int32_t>(id)});
    if (all)
      continue;
    std::push_heap(candidates_.begin(), candidates_.end()); // worst on top
    if (candidates_.size() == wanted)
      threshold = candidates_.front().logit;
  }
  if (!all)
    std::sort_heap(candidates_.begin(), candidates_.end());
}

/// Ranks more of candidates_, of which the first `ranked` are; returns how
/// many are then.
size_t TokenChooser::rankBest(size_t ranked) {
  size_t more = std::min(std::max(ranked * kRankedGrowth, kFirstRanked),
                         candidates_.size());
  auto first = candidates_.begin() + static_cast<ptrdiff_t>(ranked);
  auto middle = candidates_.begin() + static_cast<ptrdiff_t>(more);
  if (middle != candidates_.end())
    std::nth_element(first, middle, candidates_.end());
  std::sort(first, middle);
  return more;
}

double TokenChooser::totalByRank() const {
  double total = 0;
  for (const Candidate &candidate : candidates_)
    total += sampleWeight(candidate.logit, greatest_, 1);
  return total;
}

/// Leaves the sum of each run in runs_; their sum.
double TokenChooser::sumRuns(std::span<const float> logits,
                             double temperature) {
  const size_t length = sumRunLength(static_cast<uint32_t>(logits.size()));
  runs_.clear();
  double total = 0;
  for (size_t begin = 0; begin < logits.size(); begin += length) {
    double run = 0;
    for (float logit :
         logits.subspan(begin, std::min(length, logits.size() - begin)))
      run += weightOf(logit, greatest_, temperature);
    runs_.push_back(run);
    total += run;
  }
  return total;
}

/// Both keep a beginning of the ranked list, so the shorter one stays.
void TokenChooser::keepTopPAndMinP(const TokenChoice &choice, double total) {
  double sum = 0;
  size_t kept = 0, ranked = 0;
  while (kept < candidates_.size()) {
    if (kept == ranked)
      ranked = rankBest(ranked);
    double weight = sampleWeight(candidates_[kept].logit, greatest_, 1);
    if (kept > 0 && weight < choice.minP)
      break;
    sum += weight;
    ++kept;
    if (choice.topP < 1 && sum >= choice.topP * total)
      break;
  }
  candidates_.resize(kept);
}

int32_t TokenChooser::drawByRank(const TokenChoice &choice) {
  weights_.clear();
  weights_.reserve(candidates_.capacity());
  double total = 0;
  for (const Candidate &candidate : candidates_) {
    weights_.push_back(
        sampleWeight(candidate.logit, greatest_, choice.temperature));
    total += weights_.back();
  }
  double left = choice.chance * total;
  size_t chosen = 0;
  while (chosen + 1 < weights_.size() && left >= weights_[chosen])
    left -= weights_[chosen++];
  return candidates_[chosen].id;
}

/// By runs, then in one of them; rounding may leave a little at its end, which
/// is the last token's that weighs something.
int32_t TokenChooser::drawFromAll(std::span<const float> logits,
                                  const TokenChoice &choice) {
  double left = choice.chance * sumRuns(logits, choice.temperature);
  const size_t length = sumRunLength(static_cast<uint32_t>(logits.size()));
  size_t run = 0, chosen = 0;
  for (size_t i = 0; i < runs_.size(); ++i) {
    if (runs_[i] == 0)
      continue;
    run = i; // the last that weighs something, if none is reached
    if (left < runs_[i])
      break;
    left -= runs_[i];
  }
  const size_t end = std::min((run + 1) * length, logits.size());
  for (size_t id = run * length; id < end; ++id) {
    double weight = weightOf(logits[id], greatest_, choice.temperature);
    if (weight == 0)
      continue;
    chosen = id;
    if (left < weight)
      break;
    left -= weight;
  }
  return static_cast<int32_t>(chosen);
}

} // namespace sinter
