/// Steps: fill, copy, launch or replay, copy back, wait.
#include "runtime/device/DeviceExecutor.h"

#include "runtime/RopeTables.h"
#include "runtime/cpu/LaunchList.h"

#include <cassert>
#include <chrono>
#include <cstring>

namespace sinter {

void DeviceExecutor::startProfile() {
  times_.assign(artifact_.plan().launches.size(), LaunchTime());
}

/// Tables whose pages have changed since the last step.
Status DeviceExecutor::copyTables() {
  for (size_t i = 0; i < tables_.size(); ++i) {
    const PageGroup &group = cache_->group(i);
    if (tables_[i].version == group.version())
      continue;
    const uint64_t bytes = group.entries() * sizeof(int32_t);
    SINTER_TRY(driver_->copyIn(
        tables_[i].device, reinterpret_cast<const std::byte *>(group.table()),
        bytes));
    counters_.copiedIn += bytes;
    tables_[i].version = group.version();
  }
  return {};
}

/// The arrays of the batch lie behind it, each of the regime's most tokens.
void DeviceExecutor::fillBlock(const Regime &regime,
                               const StepInput &input) const {
  const Block &block = regime.block;
  Batch batch = {};
  uint64_t end = sizeof(Batch);
  auto put = [&](std::span<const int32_t> values) {
    std::memcpy(block.host + end, values.data(), values.size_bytes());
    const auto *there = reinterpret_cast<const int32_t *>(block.device + end);
    end += regime.maxTokens * sizeof(int32_t);
    return there;
  };
  batch.tokens = static_cast<int32_t>(input.tokens.size());
  batch.outputRows = static_cast<int32_t>(input.outputs.size());
  batch.tokenIds = put(input.tokens);
  batch.positions = put(input.positions);
  batch.slots = put(input.slots);
  batch.outputs = put(input.outputs);
  batch.blockTable = reinterpret_cast<const int32_t *>(tables_[0].device);
  batch.blockStride = cache_->blockStride();
  std::memcpy(block.host, &batch, sizeof(batch));
  const Plan &plan = artifact_.plan();
  for (size_t i = 0; i < plan.ropeTables.size(); ++i)
    fillRopeTable(input.positions, plan.ropeTables[i], artifact_.weights(),
                  cache_->contextLength(), block.host + block.ropeTables[i]);
}

DeviceLaunch DeviceExecutor::bound(const Regime &regime, const Launch &launch,
                                   const Batch &counts) const {
  const std::optional<DeviceCode> &code = artifact_.target().code;
  const DeviceKernel needs =
      code ? code->kernels[launch.kernel] : DeviceKernel();
  return {.kernel = kernels_[launch.kernel],
          .blocks = static_cast<uint32_t>(
              itemCount(launch.dimension, launch.count, launch.tile, counts)),
          .threads = needs.threads,
          .dynamicShared = needs.dynamicShared,
          .operands = regime.operands.data() + launch.firstOperand,
          .batch = reinterpret_cast<const Batch *>(regime.block.device)};
}

/// A step that wants no rows has no items in some launches.
Status DeviceExecutor::launchAll(const Regime &regime, const Batch &counts) {
  for (const Launch &launch : regime.launches) {
    DeviceLaunch call = bound(regime, launch, counts);
    if (call.blocks == 0)
      continue;
    SINTER_TRY(driver_->launch(call));
    ++counters_.launches;
  }
  return {};
}

/// Waits for each launch, to know what it took.
Status DeviceExecutor::launchTimed(const Regime &regime, const Batch &counts) {
  using Clock = std::chrono::steady_clock;
  for (size_t i = 0; i < regime.launches.size(); ++i) {
    DeviceLaunch call = bound(regime, regime.launches[i], counts);
    SINTER_TRY(driver_->synchronize());
    const Clock::time_point began = Clock::now();
    if (call.blocks) {
      SINTER_TRY(driver_->launch(call));
      SINTER_TRY(driver_->synchronize());
      ++counters_.launches;
    }
    LaunchTime &time = times_[regime.firstLaunch + i];
    time.work += std::chrono::duration<double>(Clock::now() - began).count();
    ++time.steps;
  }
  return {};
}

Status DeviceExecutor::replay(const Regime &regime, const Batch &counts) {
  void *&graph = graphs_[size_t(counts.tokens)];
  if (!graph) {
    const uint64_t launches = counters_.launches;
    SINTER_TRY(driver_->beginGraph());
    Status captured = launchAll(regime, counts);
    Result<void *> ended = driver_->endGraph();
    counters_.launches = launches; // kept, not run
    SINTER_TRY(captured);
    if (!ended.ok())
      return ended.status();
    graph = *ended;
    ++counters_.captures;
  }
  SINTER_TRY(driver_->launchGraph(graph));
  ++counters_.replays;
  counters_.launches += regime.launches.size();
  return {};
}

/// Waits for the step, and its rows if any are wanted.
Result<const float *> DeviceExecutor::takeResult(size_t rows) {
  const uint64_t bytes = rows * artifact_.plan().resultWidth * sizeof(float);
  std::byte *into = rows <= kGraphTokens ? pinnedLogits_ : logitsHere_.data();
  if (bytes) {
    SINTER_TRY(driver_->copyOut(into, logits_, bytes));
    counters_.copiedOut += bytes;
  }
  SINTER_TRY(driver_->synchronize());
  return reinterpret_cast<const float *>(into);
}

Result<const float *> DeviceExecutor::run(const Step &step) {
  const StepInput &input = step.input;
  const Regime &regime = regimes_[step.regime];
  const uint64_t allocations = driver_->allocations();
  SINTER_TRY(memory_->problem());
  SINTER_TRY(copyTables());
  fillBlock(regime, input);
  SINTER_TRY(driver_->copyIn(regime.block.device, regime.block.host,
                             regime.block.bytes));
  counters_.copiedIn += regime.block.bytes;
  Batch counts = {};
  counts.tokens = static_cast<int32_t>(input.tokens.size());
  counts.outputRows = static_cast<int32_t>(input.outputs.size());
  const bool decodes = input.outputs.size() == input.tokens.size() &&
                       input.tokens.size() <= kGraphTokens;
  if (!times_.empty())
    SINTER_TRY(launchTimed(regime, counts));
  else if (useGraphs_ && decodes)
    SINTER_TRY(replay(regime, counts));
  else
    SINTER_TRY(launchAll(regime, counts));
  Result<const float *> result = takeResult(input.outputs.size());
  ++counters_.steps;
  counters_.stepAllocations += driver_->allocations() - allocations;
  return result;
}

} // namespace sinter
