/// Chooses a token from a row of logits: the definition of what samplers and
/// the kernels of devices do.
#ifndef SINTER_RUNTIME_TOKENCHOOSER_H
#define SINTER_RUNTIME_TOKENCHOOSER_H

#include "runtime/ArtifactFormat.h"
#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sinter {

/// The order is llama.cpp's: top-k, top-p, min-p, temperature, draw. Top-p sums
/// the probabilities of what top-k kept, at temperature 1. Equal logits rank by
/// id. Sums over ranked tokens go by rank, over all tokens by runs of ids
/// (SampleWeights.h), so the same logits and choice give the same token on
/// every machine.
class TokenChooser {
public:
  /// O(size of the vocabulary); does not allocate again for rows of the same
  /// size. Logits that are no numbers are never chosen; fails with Internal
  /// where all are.
  Result<int32_t> choose(std::span<const float> logits,
                         const TokenChoice &choice);

private:
  struct Candidate {
    float logit;
    int32_t id;
    /// Whether this one is the more likely.
    bool operator<(const Candidate &other) const {
      return logit != other.logit ? logit > other.logit : id < other.id;
    }
  };

  void keepTopK(std::span<const float> logits, int32_t topK);
  size_t rankBest(size_t ranked);
  void keepTopPAndMinP(const TokenChoice &choice, double total);
  double totalByRank() const;
  double sumRuns(std::span<const float> logits, double temperature);
  int32_t drawByRank(const TokenChoice &choice);
  int32_t drawFromAll(std::span<const float> logits, const TokenChoice &choice);

  std::vector<Candidate> candidates_;
  std::vector<double> weights_; ///< of the candidates
  std::vector<double> runs_;
  float greatest_ = 0;
};

} // namespace sinter

#endif // SINTER_RUNTIME_TOKENCHOOSER_H
