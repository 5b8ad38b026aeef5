/// Judges a plan that may come from a stranger: after this every index, offset
/// and product in it can be used without another look.
#include "runtime/Plan.h"

#include <fmt/format.h>

namespace sinter {

template <typename... Arguments>
static Status bad(fmt::format_string<Arguments...> format,
                  Arguments &&...arguments) {
  return Status(Code::CorruptData,
                "plan: " +
                    fmt::format(format, std::forward<Arguments>(arguments)...));
}

static Status checkNumbers(const Plan &plan) {
  if (plan.vocabulary == 0 || plan.vocabulary > kMaxVocabulary)
    return bad("vocabulary of {} tokens, expected 1 to {}", plan.vocabulary,
               kMaxVocabulary);
  if (plan.contextLength == 0 || plan.contextLength > kMaxContext)
    return bad("context of {} tokens, expected 1 to {}", plan.contextLength,
               kMaxContext);
  if (plan.pageTokens == 0 || plan.pageTokens % 16 != 0 ||
      plan.pageTokens > kMaxStepTokens)
    return bad("pages of {} tokens, expected a multiple of 16 up to {}",
               plan.pageTokens, kMaxStepTokens);
  if (plan.resultWidth == 0 || plan.resultWidth > kMaxVocabulary)
    return bad("results of {} numbers, expected 1 to {}", plan.resultWidth,
               kMaxVocabulary);
  if (plan.result > ResultKind::Scores)
    return bad("results of unknown kind {}",
               static_cast<uint32_t>(plan.result));
  if (plan.rows > ResultRows::Sequences)
    return bad("result rows of unknown kind {}",
               static_cast<uint32_t>(plan.rows));
  // Logits are sampled and scored by the ids of tokens.
  if (plan.result == ResultKind::Logits && plan.resultWidth != plan.vocabulary)
    return bad("{} logits for a vocabulary of {}", plan.resultWidth,
               plan.vocabulary);
  if (plan.strings.empty() || plan.strings.back() != '\0')
    return bad("string table does not end with a zero byte");
  return {};
}

static Status checkString(const Plan &plan, uint32_t offset, const char *of,
                          size_t index) {
  if (offset >= plan.strings.size())
    return bad("name of {} {} at {}, outside the {} bytes of strings", of,
               index, offset, plan.strings.size());
  return {};
}

static Status checkRegimes(const Plan &plan) {
  if (plan.regimes.empty() || plan.regimes.size() > kMaxRegimes)
    return bad("{} regimes, expected 1 to {}", plan.regimes.size(),
               kMaxRegimes);
  uint32_t tokens = 0;
  uint64_t launches = 0;
  for (size_t i = 0; i < plan.regimes.size(); ++i) {
    const PlanRegime &regime = plan.regimes[i];
    if (regime.maxTokens <= tokens || regime.maxTokens > kMaxStepTokens)
      return bad("regime {} takes {} tokens, expected {} to {}", i,
                 regime.maxTokens, tokens + 1, kMaxStepTokens);
    if (regime.firstLaunch != launches)
      return bad("regime {} begins at launch {}, expected {}", i,
                 regime.firstLaunch, launches);
    if (regime.reserved != 0)
      return bad("regime {}: reserved field is {}, expected 0", i,
                 regime.reserved);
    if (regime.arenaBytes > kMaxArenaBytes)
      return bad("regime {} has an arena of {} bytes, expected up to {}", i,
                 regime.arenaBytes, kMaxArenaBytes);
    tokens = regime.maxTokens;
    launches += regime.launchCount;
  }
  if (launches != plan.launches.size())
    return bad("regimes hold {} launches, the table {}", launches,
               plan.launches.size());
  return {};
}

/// Bytes of a page or a slot, as its shape gives them.
static unsigned __int128 stateBytes(const Plan &plan, const PlanState &state) {
  using Wide = unsigned __int128;
  if (state.kind == StateKind::Recurrent)
    return Wide(state.keyWidth) * state.valueWidth * state.kvHeads * 4;
  Wide numbers = (Wide(state.keyWidth) + state.valueWidth) * state.kvHeads *
                 plan.pageTokens;
  switch (state.element) {
  case StateElement::F32:
    return numbers * 4;
  case StateElement::F16:
  case StateElement::Bf16Pairs:
    return numbers * 2;
  case StateElement::E4m3:
    return numbers;
  case StateElement::Q8_0:
    return numbers / 32 * 34;
  }
  return 0;
}

/// Whether the numbers of a cache fill its words and blocks.
static Status checkWidths(const Plan &plan, const PlanState &state, size_t i) {
  uint32_t whole = state.element == StateElement::Q8_0   ? 32
                   : state.element == StateElement::E4m3 ? 4
                                                         : 1;
  if (state.keyWidth % whole || state.valueWidth % whole)
    return bad("state {} has widths {} and {}, expected multiples of {}", i,
               state.keyWidth, state.valueWidth, whole);
  if (whole > 1 && (state.valueWidth == 0 || plan.pageTokens % 16))
    return bad("state {} has values of {} in pages of {} tokens, expected some "
               "in pages of a multiple of 16",
               i, state.valueWidth, plan.pageTokens);
  return {};
}

static Status checkStates(const Plan &plan) {
  for (size_t i = 0; i < plan.states.size(); ++i) {
    const PlanState &state = plan.states[i];
    SINTER_TRY(checkString(plan, state.name, "state", i));
    if (state.kind != StateKind::KvCache && state.kind != StateKind::Recurrent)
      return bad("state {} has unknown kind {}", i,
                 static_cast<uint32_t>(state.kind));
    if (state.element > StateElement::E4m3)
      return bad("state {} has unknown element type {}", i,
                 static_cast<uint32_t>(state.element));
    if (state.kind == StateKind::KvCache)
      SINTER_TRY(checkWidths(plan, state, i));
    const char *unit = state.kind == StateKind::Recurrent ? "a slot" : "pages";
    unsigned __int128 expected = stateBytes(plan, state);
    if (expected == 0 || expected > kMaxPageBytes)
      return bad("state {} has {} of {} heads, widths {} and {}: expected "
                 "1 to {} bytes",
                 i, unit, state.kvHeads, state.keyWidth, state.valueWidth,
                 kMaxPageBytes);
    if (state.pageBytes != static_cast<uint64_t>(expected))
      return bad("state {} has {} of {} bytes, expected {}", i, unit,
                 state.pageBytes, static_cast<uint64_t>(expected));
    if (state.kind == StateKind::Recurrent &&
        (state.window || state.element != StateElement::F32))
      return bad("state {} is recurrent with element type {} and a window of "
                 "{}, expected float32 and 0",
                 i, static_cast<uint32_t>(state.element), state.window);
    if (state.window > kMaxContext)
      return bad("state {} has a window of {} tokens, expected up to {}", i,
                 state.window, kMaxContext);
    if (state.reserved != 0)
      return bad("state {}: reserved field is {}, expected 0", i,
                 state.reserved);
  }
  return {};
}

static Status checkRopeTables(const Plan &plan, uint64_t weightBytes) {
  for (size_t i = 0; i < plan.ropeTables.size(); ++i) {
    const PlanRopeTable &rope = plan.ropeTables[i];
    if (rope.pairs == 0 || rope.pairs > kMaxStepTokens)
      return bad("rope table {} has {} pairs, expected 1 to {}", i, rope.pairs,
                 kMaxStepTokens);
    if (rope.temperatureLength == 0)
      return bad("rope table {} has temperature length 0, expected at least 1",
                 i);
    if (rope.reserved != 0)
      return bad("rope table {}: reserved field is {}, expected 0", i,
                 rope.reserved);
    uint64_t sets = rope.longFrom != 0 ? 2 : 1;
    uint64_t bytes = sets * rope.pairs * sizeof(float);
    if (rope.frequencies % alignof(float) != 0 ||
        rope.frequencies > weightBytes ||
        bytes > weightBytes - rope.frequencies)
      return bad("rope table {} reads {} bytes at offset {} of {} bytes of "
                 "weights",
                 i, bytes, rope.frequencies, weightBytes);
  }
  return {};
}

static Status checkOperand(const Plan &plan, const PlanOperand &operand,
                           size_t launch, const PlanRegime &regime,
                           uint64_t weightBytes) {
  auto inTable = [&](const char *of, size_t count) -> Status {
    if (operand.index >= count)
      return bad("launch {} uses {} {} of {}", launch, of, operand.index,
                 count);
    if (operand.offset != 0)
      return bad("launch {}: offset {} into a {}, expected 0", launch,
                 operand.offset, of);
    return {};
  };
  auto inBytes = [&](const char *of, uint64_t bytes) -> Status {
    if (operand.index != 0)
      return bad("launch {}: index {} of the {}, expected 0", launch,
                 operand.index, of);
    if (operand.offset >= bytes)
      return bad("launch {} uses offset {} of {} bytes of {}", launch,
                 operand.offset, bytes, of);
    return {};
  };
  switch (operand.kind) {
  case OperandKind::Arena:
    return inBytes("arena", regime.arenaBytes);
  case OperandKind::Weight:
    return inBytes("weights", weightBytes);
  case OperandKind::State:
    return inTable("state", plan.states.size());
  case OperandKind::RopeTable:
    return inTable("rope table", plan.ropeTables.size());
  case OperandKind::Logits:
    return inTable("logits", 1);
  }
  return bad("launch {} has an operand of unknown kind {}", launch,
             static_cast<uint32_t>(operand.kind));
}

/// A thread's part of each must be the same heads.
static Status checkShares(const PlanLaunch &launch, size_t index) {
  uint64_t items = 0;
  for (uint32_t part : launch.parts) {
    items += part;
    if (launch.shares ? part % launch.shares : part)
      return bad("launch {} has a part of {} items in {} shares", index, part,
                 launch.shares);
  }
  if (launch.shares && (launch.dimension == ItemDimension::Rows ||
                        items != launch.count || launch.replicated))
    return bad("launch {} has {} items in its shares; expected {} that tokens "
               "count and no thread repeats",
               index, items, launch.count);
  if (launch.barrier == LaunchBarrier::Unshared && !launch.shares)
    return bad("launch {} has barrier 3, but no shares", index);
  return {};
}

static Status checkLaunch(const Plan &plan, size_t index,
                          const PlanRegime &regime, uint64_t firstOperand,
                          uint64_t weightBytes) {
  const PlanLaunch &launch = plan.launches[index];
  SINTER_TRY(checkString(plan, launch.label, "launch", index));
  if (launch.kernel >= plan.kernels.size())
    return bad("launch {} calls kernel {} of {}", index, launch.kernel,
               plan.kernels.size());
  if (launch.firstOperand != firstOperand)
    return bad("launch {} begins at operand {}, expected {}", index,
               launch.firstOperand, firstOperand);
  if (launch.operandCount > kMaxOperands)
    return bad("launch {} has {} operands, expected up to {}", index,
               launch.operandCount, kMaxOperands);
  if (firstOperand + launch.operandCount > plan.operands.size())
    return bad("launch {} has {} operands, the table only {} more", index,
               launch.operandCount, plan.operands.size() - firstOperand);
  if (launch.dimension > ItemDimension::Rows)
    return bad("launch {} has unknown item dimension {}", index,
               static_cast<uint32_t>(launch.dimension));
  // Not a number fails this too.
  if (!(launch.weightShare > 0 && launch.weightShare <= 1))
    return bad("launch {} reads {} of its weights for a row, expected above 0, "
               "at most 1",
               index, launch.weightShare);
  if (launch.tile == 0)
    return bad("launch {} has a tile of 0, expected at least 1", index);
  if (launch.barrier > LaunchBarrier::Unshared)
    return bad("launch {} has barrier {}, expected 0 to 3", index,
               static_cast<uint32_t>(launch.barrier));
  if (launch.replicated > 1)
    return bad("launch {} has replicated {}, expected 0 or 1", index,
               launch.replicated);
  SINTER_TRY(checkShares(launch, index));
  if (launch.workRows > 1)
    return bad("launch {} has work rows {}, expected 0 or 1", index,
               launch.workRows);
  if (launch.weightBytes > weightBytes)
    return bad("launch {} reads {} bytes of weights, there are {}", index,
               launch.weightBytes, weightBytes);
  for (uint32_t i = 0; i < launch.operandCount; ++i)
    SINTER_TRY(checkOperand(plan, plan.operands[firstOperand + i], index,
                            regime, weightBytes));
  return {};
}

Status checkPlan(const Plan &plan, uint64_t weightBytes) {
  SINTER_TRY(checkNumbers(plan));
  for (size_t i = 0; i < plan.kernels.size(); ++i)
    SINTER_TRY(checkString(plan, plan.kernels[i].name, "kernel", i));
  SINTER_TRY(checkRegimes(plan));
  SINTER_TRY(checkStates(plan));
  SINTER_TRY(checkRopeTables(plan, weightBytes));
  uint64_t operands = 0;
  for (const PlanRegime &regime : plan.regimes)
    for (uint32_t i = 0; i < regime.launchCount; ++i) {
      size_t index = size_t(regime.firstLaunch) + i;
      SINTER_TRY(checkLaunch(plan, index, regime, operands, weightBytes));
      operands += plan.launches[index].operandCount;
    }
  if (operands != plan.operands.size())
    return bad("launches use {} operands, the table has {}", operands,
               plan.operands.size());
  return {};
}

} // namespace sinter
