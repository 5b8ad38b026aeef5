/// Turns the plan into addresses once, so that a step is angles and one walk
/// over a list.
#include "runtime/cpu/CpuExecutor.h"

#include "runtime/RopeTables.h"
#include "runtime/cpu/Topology.h"

#include <fmt/format.h>

#include <cassert>
#include <sys/mman.h>
#include <utility>

namespace sinter {

/// Bytes of weights (times tokens) and of caches below which a step stays on
/// the caller's thread: about 0.1 ms of work, in which other threads gain
/// little on a quiet machine and cost a scheduler's slice per barrier on a busy
/// one.
static constexpr uint64_t kSmallStep = 4 << 20;

Result<std::unique_ptr<Executor>> CpuExecutor::create(const Artifact &artifact,
                                                      int threads) {
  std::unique_ptr<CpuExecutor> executor(new CpuExecutor(artifact));
  // With fewer threads than cores, another program's may need the same core.
  Result<std::unique_ptr<ThreadPool>> pool = ThreadPool::create(
      threads ? threads : defaultThreads(), oneOfEachCore(allowedProcessors()));
  if (!pool.ok())
    return pool.status();
  executor->pool_ = std::move(*pool);
  return std::unique_ptr<Executor>(std::move(executor));
}

Status CpuExecutor::prepare(const KvCache &cache,
                            const RecurrentStates &recurrent) {
  cache_ = &cache;
  recurrent_ = &recurrent;
  SINTER_TRY(reserveBuffers());
  bindRegimes();
  return {};
}

std::string CpuExecutor::place() const {
  return fmt::format("{} threads", threads());
}

Status CpuExecutor::reserveBuffers() {
  const Plan &plan = artifact_.plan();
  const uint32_t tokens = plan.regimes.back().maxTokens;
  auto reserve = [](uint64_t bytes, const char *what,
                    MappedMemory &into) -> Status {
    Result<MappedMemory> memory = MappedMemory::reserve(bytes, what);
    if (!memory.ok())
      return memory.status();
    into = std::move(*memory);
    return {};
  };
  SINTER_TRY(reserve(plan.arenaBytes(), "activations", arena_));
  if (arena_.data())
    madvise(arena_.data(), arena_.size(), MADV_HUGEPAGE);
  SINTER_TRY(reserve(uint64_t(tokens) * plan.resultWidth * sizeof(float),
                     "logits", logits_));
  ropeTables_.resize(plan.ropeTables.size());
  for (size_t i = 0; i < ropeTables_.size(); ++i)
    SINTER_TRY(
        reserve(uint64_t(tokens) * 2 * plan.ropeTables[i].pairs * sizeof(float),
                "rotary angles", ropeTables_[i]));
  return {};
}

void *CpuExecutor::address(const PlanOperand &operand) const {
  switch (operand.kind) {
  case OperandKind::Arena:
    return arena_.data() + operand.offset;
  case OperandKind::Weight:
    return const_cast<std::byte *>(artifact_.weights().data()) + operand.offset;
  case OperandKind::State: {
    void *state = recurrent_->pool(operand.index);
    return state ? state : cache_->operand(operand.index);
  }
  case OperandKind::RopeTable:
    return ropeTables_[operand.index].data();
  case OperandKind::Logits:
    return logits_.data();
  }
  assert(false && "a checked plan has no other operands");
  return nullptr;
}

void CpuExecutor::bindRegimes() {
  const Plan &plan = artifact_.plan();
  regimes_.reserve(plan.regimes.size());
  for (const PlanRegime &from : plan.regimes) {
    Regime &regime = regimes_.emplace_back();
    regime.firstLaunch = from.firstLaunch;
    for (uint32_t i = 0; i < from.launchCount; ++i) {
      const PlanLaunch &launch = plan.launches[from.firstLaunch + i];
      regime.weightBytes +=
          static_cast<uint64_t>(launch.weightBytes * launch.weightShare);
    }
    auto first = plan.launches.begin() + from.firstLaunch;
    std::span<const PlanLaunch> launches(first, from.launchCount);
    size_t operands = 0;
    for (const PlanLaunch &launch : launches)
      operands += launch.operandCount;
    regime.operands.reserve(operands); // launches keep pointers into it
    regime.launches.reserve(launches.size());
    for (const PlanLaunch &launch : launches) {
      void *const *bound = regime.operands.data() + regime.operands.size();
      for (uint32_t i = 0; i < launch.operandCount; ++i)
        regime.operands.push_back(
            address(plan.operands[launch.firstOperand + i]));
      regime.launches.push_back({artifact_.kernels()[launch.kernel], bound,
                                 launch.dimension, launch.count, launch.tile,
                                 launch.barrier, launch.replicated != 0,
                                 launch.shares, std::to_array(launch.parts)});
    }
  }
}

bool CpuExecutor::isSmall(const Step &step) const {
  const StepInput &input = step.input;
  uint64_t work = regimes_[step.regime].weightBytes * input.tokens.size();
  for (int32_t position : input.positions)
    work += cache_->readBytes(position);
  for (size_t begin = 0; begin < input.slots.size();
       begin = sequenceEnd(input.slots, begin))
    work += recurrent_->sequenceBytes();
  return work < kSmallStep;
}

Result<const float *> CpuExecutor::run(const Step &step) {
  const StepInput &input = step.input;
  const Plan &plan = artifact_.plan();
  for (size_t i = 0; i < ropeTables_.size(); ++i)
    fillRopeTable(input.positions, plan.ropeTables[i], artifact_.weights(),
                  cache_->contextLength(), ropeTables_[i].data());
  Batch batch = {};
  batch.tokens = static_cast<int32_t>(input.tokens.size());
  batch.outputRows = static_cast<int32_t>(input.outputs.size());
  batch.tokenIds = input.tokens.data();
  batch.positions = input.positions.data();
  batch.slots = input.slots.data();
  batch.outputs = input.outputs.data();
  batch.blockTable = cache_->blockTable();
  batch.blockStride = cache_->blockStride();
  const Regime &regime = regimes_[step.regime];
  std::span<LaunchTime> times(times_);
  if (!times.empty())
    times = times.subspan(regime.firstLaunch, regime.launches.size());
  runLaunches(isSmall(step) ? nullptr : pool_.get(), regime.launches, batch,
              times);
  return reinterpret_cast<const float *>(logits_.data());
}

void CpuExecutor::startProfile() {
  times_.assign(artifact_.plan().launches.size(), LaunchTime());
}

} // namespace sinter
