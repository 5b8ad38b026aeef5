/// Measures a model's answers: logits of given tokens, perplexity, and the
/// distance between two models.
#ifndef SINTER_RUNTIME_EVALUATION_H
#define SINTER_RUNTIME_EVALUATION_H

#include "runtime/Session.h"
#include "runtime/Status.h"

#include <cstdint>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

namespace sinter {

/// The numbers in `text`, separated by white space. Errors: InvalidArgument,
/// naming what is not a token id.
Result<std::vector<int32_t>> parseTokenIds(std::string_view text);

/// Receives the logits of token `index`.
using LogitsVisitor =
    std::function<Status(size_t index, std::span<const float> logits)>;

/// Runs `tokens` as one new sequence in slot 0, in the session's chunks, and
/// visits the logits of every token from `first` on, in order. Errors: those of
/// step(), InvalidArgument where the model gives no logits.
Status visitLogits(Session &session, std::span<const int32_t> tokens,
                   size_t first, const LogitsVisitor &visit);

/// -log(softmax(logits)[id]), in double precision.
double negativeLogLikelihood(std::span<const float> logits, int32_t id);

struct Perplexity {
  double perplexity = 0;
  double error = 0;    ///< standard error of `perplexity`
  uint64_t scored = 0; ///< tokens whose likelihood was counted
  uint64_t chunks = 0;
};

/// As llama.cpp's `perplexity` defines it: chunks of `contextLength` tokens
/// without overlap, the second half of each scored; each chunk's first token
/// is replaced by `bos` unless that is negative. Errors: InvalidArgument when
/// there are fewer than two chunks.
Result<Perplexity> measurePerplexity(
    Session &session, std::span<const int32_t> tokens, uint32_t contextLength,
    int32_t bos,
    const std::function<void(const Perplexity &)> &progress = nullptr);

/// How far model B is from model A on the same tokens.
struct Divergence {
  double meanKl = 0; ///< KL(softmax A || softmax B), mean over tokens, in nats
  double maxKl = 0;
  double sameTop = 0; ///< fraction of tokens with the same best id
  double nmse = 0;    ///< sum (B - A)^2 / sum A^2 over all logits
  uint64_t tokens = 0;
};

/// Runs `tokens` through both, in pieces of `contextLength` tokens that are
/// sequences of their own. Errors: InvalidArgument if the vocabularies differ.
Result<Divergence> measureDivergence(Session &a, Session &b,
                                     std::span<const int32_t> tokens,
                                     uint32_t contextLength);

} // namespace sinter

#endif // SINTER_RUNTIME_EVALUATION_H
