/// Chooses the next token from the logits of a step.
#ifndef SINTER_RUNTIME_SAMPLER_H
#define SINTER_RUNTIME_SAMPLER_H

#include "runtime/ArtifactFormat.h"
#include "runtime/Status.h"
#include "runtime/TokenChooser.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace sinter {

/// Names and defaults as users of llama.cpp know them.
struct SamplerOptions {
  float temperature = 0.8F;      ///< --temp; 0: the most likely token
  int32_t topK = 40;             ///< --top-k; 0 or less: all tokens
  float topP = 0.95F;            ///< --top-p; 1: off
  float minP = 0.05F;            ///< --min-p; 0: off
  float repeatPenalty = 1.0F;    ///< --repeat-penalty; 1: off
  int32_t repeatLastN = 64;      ///< --repeat-last-n; 0: off, -1: all tokens
  float presencePenalty = 0.0F;  ///< --presence-penalty; 0: off
  float frequencyPenalty = 0.0F; ///< --frequency-penalty; 0: off
  uint64_t seed = 0;             ///< --seed
};

/// xoshiro256** 1.0 (Blackman and Vigna, 2018), seeded by SplitMix64 as its
/// authors advise. Our own, because the standard library's distributions
/// differ between implementations.
class RandomGenerator {
public:
  explicit RandomGenerator(uint64_t seed);
  uint64_t next();
  double nextUnit(); ///< in [0, 1), from the upper 53 bits

private:
  std::array<uint64_t, 4> state;
};

/// Penalties, and then what TokenChooser does: the same logits, options and
/// seed give the same token on every machine.
class Sampler {
public:
  /// Fails with InvalidArgument, naming the flag whose value makes no sense.
  static Result<Sampler> create(const SamplerOptions &options);

  /// Records a token of the text, of the prompt or chosen, for the penalties.
  void accept(int32_t token);

  /// The next token, given one row of logits. Errors: TokenChooser's.
  Result<int32_t> sample(std::span<const float> logits);

  /// Whether only logits will do, since penalties change them.
  bool penalizes() const;

  /// How the next token is to be chosen by who has the logits, if penalties do
  /// not change them. Each call is for one token, as each of sample() is.
  TokenChoice nextChoice();

private:
  explicit Sampler(const SamplerOptions &options);
  std::span<const float> penalize(std::span<const float> logits);

  SamplerOptions options;
  RandomGenerator random;
  std::vector<int32_t> history; ///< the last repeatLastN tokens, as a ring
  size_t nextInHistory = 0;
  std::vector<uint32_t> counts; ///< per token; zero between calls
  std::vector<float> penalized;
  TokenChooser chooser;
};

} // namespace sinter

#endif // SINTER_RUNTIME_SAMPLER_H
