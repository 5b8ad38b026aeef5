/// Asks what a context takes, and halves it.
#include "runtime/ContextLength.h"

#include "runtime/ModelInfo.h"

#include <fmt/format.h>

#include <algorithm>

namespace sinter {

static Status check(const Plan &plan, uint32_t context) {
  if (context > kMaxContext)
    return Status(Code::InvalidArgument,
                  fmt::format("context of {} tokens asked for, expected up to "
                              "{}",
                              context, kMaxContext));
  if (plan.positions && context > plan.positions)
    return Status(Code::InvalidArgument,
                  fmt::format("context of {} tokens asked for, the model knows "
                              "{} positions",
                              context, plan.positions));
  return {};
}

static uint64_t bytesFor(const Plan &plan, uint32_t context,
                         uint32_t sequences) {
  MemoryUse use = memoryUse(plan, context);
  return use.arena + use.logits +
         sequences * (use.cacheForContext + use.recurrent);
}

Result<uint32_t> chooseContext(const Plan &plan, uint32_t asked,
                               uint32_t sequences, uint64_t freeBytes,
                               std::vector<std::string> &notes) {
  uint32_t context = asked ? asked : plan.contextLength;
  SINTER_TRY(check(plan, context));
  if (asked || freeBytes == 0)
    return context;
  // Drivers keep a part for themselves, and tables are small.
  constexpr uint32_t kKept = 16, kLeast = 512;
  const uint64_t room = freeBytes - freeBytes / kKept;
  while (context > kLeast && bytesFor(plan, context, sequences) > room)
    context = std::max(kLeast, context / 2);
  if (context < plan.contextLength)
    notes.push_back(fmt::format(
        "context of {} tokens, not {} as trained: {} of the device are free, "
        "of which {} are needed (--ctx chooses)",
        context, plan.contextLength, byteText(freeBytes),
        byteText(bytesFor(plan, context, sequences))));
  return context;
}

} // namespace sinter
