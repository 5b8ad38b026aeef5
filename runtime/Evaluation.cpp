/// All sums are in double precision and in the order of the tokens.
#include "runtime/Evaluation.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

namespace sinter {

Result<std::vector<int32_t>> parseTokenIds(std::string_view text) {
  constexpr std::string_view space = " \t\r\n\v\f";
  std::vector<int32_t> ids;
  for (size_t at = text.find_first_not_of(space);
       at != std::string_view::npos;) {
    size_t end = std::min(text.find_first_of(space, at), text.size());
    std::string_view word = text.substr(at, end - at);
    int32_t id = 0;
    auto [stop, error] =
        std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || stop != word.data() + word.size())
      return Status(Code::InvalidArgument,
                    fmt::format("token {} is '{}', expected a number",
                                ids.size(), word.substr(0, 40)));
    ids.push_back(id);
    at = text.find_first_not_of(space, end);
  }
  return ids;
}

Status visitLogits(Session &session, std::span<const int32_t> tokens,
                   size_t first, const LogitsVisitor &visit) {
  if (session.result() != ResultKind::Logits)
    return Status(Code::InvalidArgument,
                  "the model gives no logits, but embeddings or scores "
                  "(eval embeddings writes them)");
  SINTER_TRY(session.truncate(0, 0));
  std::vector<int32_t> positions(session.chunk());
  std::vector<int32_t> slots(session.chunk(), 0);
  std::vector<int32_t> rows(session.chunk());
  for (size_t at = 0; at < tokens.size();) {
    size_t count = std::min<size_t>(session.chunk(), tokens.size() - at);
    std::iota(positions.begin(), positions.begin() + count,
              static_cast<int32_t>(at));
    size_t skipped = std::clamp(first, at, at + count) - at;
    std::iota(rows.begin(), rows.begin() + (count - skipped),
              static_cast<int32_t>(skipped));
    Result<std::span<const float>> logits = session.step(
        {tokens.subspan(at, count), std::span(positions).first(count),
         std::span(slots).first(count),
         std::span(rows).first(count - skipped)});
    if (!logits.ok())
      return logits.status();
    for (size_t row = skipped; row < count; ++row)
      SINTER_TRY(visit(at + row,
                       logits->subspan((row - skipped) * session.vocabulary(),
                                       session.vocabulary())));
    at += count;
  }
  return {};
}

/// log(sum(exp(logits))), shifted so that nothing overflows.
static double logSumExp(std::span<const float> logits) {
  double top = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (float logit : logits)
    sum += std::exp(logit - top);
  return top + std::log(sum);
}

double negativeLogLikelihood(std::span<const float> logits, int32_t id) {
  return logSumExp(logits) - logits[id];
}

/// Mean and standard error of the mean, carried over to its exponential.
static void finish(Perplexity &result, double sum, double squares) {
  auto count = static_cast<double>(result.scored);
  double mean = sum / count;
  double variance = squares / count - mean * mean;
  result.perplexity = std::exp(mean);
  result.error = count > 1 && variance > 0
                     ? std::sqrt(variance / (count - 1)) * result.perplexity
                     : 0;
}

Result<Perplexity>
measurePerplexity(Session &session, std::span<const int32_t> tokens,
                  uint32_t contextLength, int32_t bos,
                  const std::function<void(const Perplexity &)> &progress) {
  if (contextLength < 4 || contextLength > session.contextLength())
    return Status(Code::InvalidArgument,
                  fmt::format("perplexity over chunks of {} tokens, expected 4 "
                              "to {}",
                              contextLength, session.contextLength()));
  if (tokens.size() < 2 * uint64_t(contextLength))
    return Status(Code::InvalidArgument,
                  fmt::format("text has {} tokens, expected at least {}: two "
                              "chunks of {}",
                              tokens.size(), 2 * uint64_t(contextLength),
                              contextLength));
  Perplexity result;
  double sum = 0, squares = 0;
  size_t first = contextLength / 2;
  std::vector<int32_t> chunk(contextLength);
  for (size_t at = 0; at + contextLength <= tokens.size();
       at += contextLength) {
    std::copy_n(tokens.begin() + at, contextLength, chunk.begin());
    if (bos >= 0)
      chunk[0] = bos;
    // The last token predicts nothing that is scored.
    SINTER_TRY(visitLogits(
        session, std::span(chunk).first(contextLength - 1), first,
        [&](size_t index, std::span<const float> logits) -> Status {
          double value = negativeLogLikelihood(logits, tokens[at + index + 1]);
          sum += value;
          squares += value * value;
          ++result.scored;
          return {};
        }));
    ++result.chunks;
    finish(result, sum, squares);
    if (progress)
      progress(result);
  }
  return result;
}

/// Adds the distance between two rows of logits.
static void addDistance(std::span<const float> a, std::span<const float> b,
                        Divergence &sums, double &error, double &energy) {
  double normA = logSumExp(a), normB = logSumExp(b);
  double kl = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    double logA = a[i] - normA;
    kl += std::exp(logA) * (logA - (b[i] - normB));
    double difference = double(b[i]) - a[i];
    error += difference * difference;
    energy += double(a[i]) * a[i];
  }
  sums.meanKl += kl;
  sums.maxKl = std::max(sums.maxKl, kl);
  sums.sameTop += std::max_element(a.begin(), a.end()) - a.begin() ==
                  std::max_element(b.begin(), b.end()) - b.begin();
  ++sums.tokens;
}

Result<Divergence> measureDivergence(Session &a, Session &b,
                                     std::span<const int32_t> tokens,
                                     uint32_t contextLength) {
  if (a.vocabulary() != b.vocabulary())
    return Status(Code::InvalidArgument,
                  fmt::format("models have vocabularies of {} and {} tokens, "
                              "expected the same",
                              a.vocabulary(), b.vocabulary()));
  uint32_t limit = std::min(a.contextLength(), b.contextLength());
  if (contextLength < 1 || contextLength > limit)
    return Status(Code::InvalidArgument,
                  fmt::format("divergence over pieces of {} tokens, expected 1 "
                              "to {}",
                              contextLength, limit));
  if (tokens.empty())
    return Status(Code::InvalidArgument, "no tokens to compare");
  Divergence result;
  double error = 0, energy = 0;
  std::vector<float> rows;
  for (size_t at = 0; at < tokens.size(); at += contextLength) {
    auto piece =
        tokens.subspan(at, std::min<size_t>(contextLength, tokens.size() - at));
    size_t width = a.vocabulary();
    rows.resize(piece.size() * width);
    SINTER_TRY(visitLogits(
        a, piece, 0, [&](size_t index, std::span<const float> logits) {
          std::copy(logits.begin(), logits.end(), rows.begin() + index * width);
          return Status();
        }));
    SINTER_TRY(visitLogits(
        b, piece, 0, [&](size_t index, std::span<const float> logits) {
          addDistance(std::span(rows).subspan(index * width, width), logits,
                      result, error, energy);
          return Status();
        }));
  }
  result.meanKl /= static_cast<double>(result.tokens);
  result.sameTop /= static_cast<double>(result.tokens);
  result.nmse = energy > 0 ? error / energy : error;
  return result;
}

} // namespace sinter
