// The token that a row of logits gives, as runtime/TokenChooser.h defines it: a
// block for each row. Whatever takes more than a block can rank is left to the
// host, which then gets the row.
namespace sinter::cuda {

constexpr unsigned kSampleThreads = 1024;
/// Tokens that a block can rank.
constexpr unsigned kRanked = 2048;
/// Of the threads' likeliest tokens, how many are asked for where no top-k
/// says; so many different threads have about 1.4 times as many tokens.
constexpr unsigned kFirstRanked = 512;
static_assert(kSampleThreads == kSumRuns, "a thread sums a run");

/// What sorts tokens: greater logits first, equal ones by id. Zeros have one
/// sign.
inline uint64_t rankOf(float logit, unsigned id) {
  const uint32_t bits = bitsOfFloat(logit + 0.0f);
  const uint32_t ascending = bits >> 31 ? ~bits : bits | 0x80000000u;
  return uint64_t(~ascending) << 32 | id;
}
inline float logitOf(uint64_t rank) {
  const uint32_t ascending = ~uint32_t(rank >> 32);
  return floatOfBits(ascending >> 31 ? ascending ^ 0x80000000u : ~ascending);
}

struct SampleWork {
  WarpSums sums;
  SharedArray<int, 32> ids;
  SharedArray<uint64_t, kRanked> ranks;
  SharedArray<double, kRanked> weights;
  SharedCounter found;
  SharedArray<unsigned, 1> chosen;
};

/// One row; all threads call what follows alike.
template <unsigned vocabulary> struct SampledRow {
  static constexpr unsigned length = (vocabulary + kSumRuns - 1) / kSumRuns;
  static_assert(length <= kRanked, "the weights of a run have room");

  SampleWork &work;
  const float *logits;
  const TokenChoice choice;
  float most = -infinity(); ///< of the thread's tokens, -infinity without any
  int mostId = 0x7fffffff;
  float greatest = 0; ///< of all

  static bool leads() { return threadIndex() == 0; }

  /// The lowest id of the greatest logit, or kLeftToHost if none is a number.
  int likeliest() {
#pragma unroll 4
    for (unsigned id = threadIndex(); id < vocabulary; id += kSampleThreads) {
      const float logit = load(logits + id);
      if (!(logit > most))
        continue;
      most = logit;
      mostId = int(id);
    }
    greatest = blockMax<kSampleThreads>(most, work.sums);
    int first =
        greatest > -infinity() && most == greatest ? mostId : 0x7fffffff;
    for (unsigned mask = kWarp / 2; mask; mask /= 2)
      first = min(first, shuffleXor(first, mask));
    if (laneIndex() == 0)
      work.ids.put(warpIndex(), first);
    syncBlock();
    for (unsigned warp = 0; warp < kSampleThreads / kWarp; ++warp)
      first = min(first, work.ids.get(warp));
    return first == 0x7fffffff ? kLeftToHost : first;
  }

  /// Sorts work.ranks[0, size), size being a power of two, in a bitonic
  /// network (Batcher 1968).
  void sort(unsigned size) {
    for (unsigned run = 2; run <= size; run *= 2)
      for (unsigned distance = run / 2; distance; distance /= 2) {
        syncBlock();
        for (unsigned i = threadIndex(); i < size / 2; i += kSampleThreads) {
          const unsigned low = 2 * i - (i & (distance - 1));
          const uint64_t a = work.ranks.get(low);
          const uint64_t b = work.ranks.get(low + distance);
          if ((a > b) != ((low & run) == 0))
            continue;
          work.ranks.put(low, b);
          work.ranks.put(low + distance, a);
        }
      }
    syncBlock();
  }

  /// A logit that `wanted` tokens reach, at most as many as there are threads:
  /// the wanted-th of the threads' greatest.
  float threshold(unsigned wanted) {
    work.ranks.put(threadIndex(), rankOf(most, threadIndex()));
    sort(kSampleThreads);
    return logitOf(work.ranks.get(wanted - 1));
  }

  /// Ranks all tokens that reach `least`; how many they are, or 0 if they are
  /// too many.
  unsigned gather(float least) {
    if (leads())
      work.found.clear();
    syncBlock();
#pragma unroll 4
    for (unsigned id = threadIndex(); id < vocabulary; id += kSampleThreads) {
      const float logit = load(logits + id);
      if (!(logit >= least && logit > -infinity()))
        continue;
      const unsigned place = work.found.take();
      if (place < kRanked)
        work.ranks.put(place, rankOf(logit, id));
    }
    syncBlock();
    const unsigned count = work.found.get();
    if (count > kRanked)
      return 0;
    unsigned size = 2;
    while (size < count)
      size *= 2;
    for (unsigned i = count + threadIndex(); i < size; i += kSampleThreads)
      work.ranks.put(i, ~uint64_t(0));
    sort(size);
    return count;
  }

  float ranked(unsigned i) const { return logitOf(work.ranks.get(i)); }

  void weigh(unsigned count, double temperature) {
    syncBlock();
    for (unsigned i = threadIndex(); i < count; i += kSampleThreads)
      work.weights.put(i, sampleWeight(ranked(i), greatest, temperature));
    syncBlock();
  }

  double weightOf(unsigned id, double temperature) const {
    const float logit = load(logits + id);
    return logit > -infinity() ? sampleWeight(logit, greatest, temperature)
                               : 0.0;
  }

  /// The sum over the thread's run, for all threads to see.
  void sumRuns(double temperature) {
    double sum = 0;
    for (unsigned i = 0; i < length; ++i)
      if (const unsigned id = threadIndex() * length + i; id < vocabulary)
        sum += weightOf(id, temperature);
    syncBlock();
    work.weights.put(threadIndex(), sum);
    syncBlock();
  }

  /// Of thread 0: the sum of the first weights.
  double total(unsigned count) const {
    double sum = 0;
    for (unsigned i = 0; i < count; ++i)
      sum += work.weights.get(i);
    return sum;
  }

  /// What thread 0 says.
  unsigned tell(unsigned value) {
    if (leads())
      work.chosen.put(0, value);
    syncBlock();
    return work.chosen.get(0);
  }

  /// How many of `count` ranked tokens top-p and min-p keep; 0 if there are
  /// more, which are not ranked.
  unsigned kept(unsigned count, bool limited, bool complete) {
    double all = 0;
    if (choice.topP < 1 && !limited) {
      sumRuns(1);
      if (leads())
        all = total(kSumRuns);
    }
    weigh(count, 1);
    unsigned kept = 0;
    if (leads()) {
      if (choice.topP < 1 && limited)
        all = total(count);
      bool enough = complete;
      for (double sum = 0; kept < count;) {
        const double weight = work.weights.get(kept);
        if (kept > 0 && weight < choice.minP) {
          enough = true;
          break;
        }
        sum += weight;
        ++kept;
        if (choice.topP < 1 && sum >= choice.topP * all) {
          enough = true;
          break;
        }
      }
      kept = enough ? kept : 0;
    }
    return tell(kept);
  }

  /// Of thread 0: which of `count` weights lies at `left` of their sum.
  unsigned walk(unsigned count, double left) const {
    unsigned chosen = 0;
    for (; chosen + 1 < count; ++chosen) {
      const double weight = work.weights.get(chosen);
      if (left < weight)
        break;
      left -= weight;
    }
    return chosen;
  }

  /// The same where some weigh nothing; what is left of `left`.
  unsigned walkSome(unsigned count, double &left) const {
    unsigned chosen = 0;
    for (unsigned i = 0; i < count; ++i) {
      const double weight = work.weights.get(i);
      if (weight == 0)
        continue;
      chosen = i;
      if (left < weight)
        break;
      left -= weight;
    }
    return chosen;
  }

  int drawByRank() {
    const bool limited = choice.topK > 0 && unsigned(choice.topK) < vocabulary;
    const unsigned wanted = limited ? unsigned(choice.topK) : kFirstRanked;
    if (wanted > kSampleThreads)
      return kLeftToHost;
    const float least = threshold(wanted);
    unsigned count = gather(least);
    if (count == 0)
      return kLeftToHost;
    if (limited)
      count = min(count, wanted);
    if (choice.topP < 1 || choice.minP > 0)
      count = kept(count, limited, limited || !(least > -infinity()));
    if (count == 0)
      return kLeftToHost;
    weigh(count, choice.temperature);
    return leads() ? int(uint32_t(work.ranks.get(
                         walk(count, choice.chance * total(count)))))
                   : 0;
  }

  int drawFromAll() {
    sumRuns(choice.temperature);
    double left = 0;
    unsigned run = 0;
    if (leads()) {
      left = choice.chance * total(kSumRuns);
      run = walkSome(kSumRuns, left);
    }
    const unsigned first = tell(run) * length;
    for (unsigned i = threadIndex(); i < length; i += kSampleThreads)
      work.weights.put(i, first + i < vocabulary
                              ? weightOf(first + i, choice.temperature)
                              : 0.0);
    syncBlock();
    return leads() ? int(first + walkSome(length, left)) : 0;
  }

  /// For thread 0.
  int choose() {
    const int best = likeliest();
    if (best == kLeftToHost || choice.temperature == 0)
      return best;
    const bool all = choice.topK <= 0 || unsigned(choice.topK) >= vocabulary;
    return all && choice.topP >= 1 && choice.minP <= 0 ? drawFromAll()
                                                       : drawByRank();
  }
};

/// `Shape` lists vocabulary.
template <typename Shape>
inline void sample(void *const *operands, const Batch &) {
  __shared__ SampleWork work;
  SampledRow<Shape::vocabulary> row = {
      work,
      static_cast<const float *>(operands[0]) + itemIndex() * Shape::vocabulary,
      load(static_cast<const TokenChoice *>(operands[1]) + itemIndex())};
  const int token = row.choose();
  if (row.leads())
    store(static_cast<int32_t *>(operands[2]) + itemIndex(), token);
}

} // namespace sinter::cuda
