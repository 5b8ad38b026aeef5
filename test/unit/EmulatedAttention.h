/// Runs attention kernels of an emulated device, by one block for a row's whole
/// context or by several that share it.
#ifndef SINTER_TEST_UNIT_EMULATEDATTENTION_H
#define SINTER_TEST_UNIT_EMULATEDATTENTION_H

#include "dialects/tile/AttentionSplits.h"
#include "test/unit/EmulatedKernels.h"

#include <fmt/format.h>

#include <vector>

namespace sinter::test {

/// What an attention kernel reads beside the batch.
struct AttentionInput {
  void *queries; ///< of the batch's first token
  void *cache;
  void *sinks; ///< null: there are none
};

inline std::vector<void *> withOutput(std::vector<void *> operands,
                                      const AttentionInput &input,
                                      std::vector<float> &output) {
  if (input.sinks)
    operands.push_back(input.sinks);
  operands.push_back(output.data());
  return operands;
}

/// The kernel that `v` names; `v` has name, heads, cacheHeads, values and mma,
/// tile() tokens of a block and width() numbers of a row of output.
template <typename Variant>
std::vector<float> attend(EmulatedKernels &kernels, const Variant &v,
                          const AttentionInput &input, const Batch &batch) {
  auto tokens = unsigned(batch.tokens);
  std::vector<float> output(tokens * v.width());
  kernels.allow("output", output.data(), output.size() * 4, true);
  kernels.run(v.name, withOutput({input.queries, input.cache}, input, output),
              batch, v.cacheHeads * ((tokens + v.tile() - 1) / v.tile()));
  return output;
}

/// The same by NAME_splits and NAME_merge.
template <typename Variant>
std::vector<float> attendInSplits(EmulatedKernels &kernels, const Variant &v,
                                  const AttentionInput &input,
                                  const Batch &batch) {
  auto tokens = unsigned(batch.tokens);
  std::vector<float> output(tokens * v.width());
  std::vector<float> sums(size_t(tokens) * v.heads * kAttentionSplits *
                          (v.values + 2));
  kernels.allow("output", output.data(), output.size() * 4, true);
  kernels.allow("sums", sums.data(), sums.size() * 4, true);
  kernels.run(fmt::format("{}_splits", v.name),
              {input.queries, input.cache, sums.data()}, batch,
              (v.mma ? v.cacheHeads : v.heads) * kAttentionSplits * tokens);
  kernels.run(fmt::format("{}_merge", v.name),
              withOutput({sums.data()}, input, output), batch,
              v.cacheHeads * tokens);
  return output;
}

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_EMULATEDATTENTION_H
