/// Steps: fill, copy, launch or replay, copy back, wait.
#include "runtime/device/DeviceExecutor.h"

#include "runtime/RopeTables.h"
#include "runtime/cpu/LaunchList.h"

#include <algorithm>
#include <cassert>
#include <chrono>
#include <cstring>
#include <optional>

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

/// The arrays of the batch lie behind it, each of the bucket's most tokens.
void DeviceExecutor::fillBlock(const Bucket &bucket, const StepInput &input,
                               std::span<const TokenChoice> choices) const {
  const Block &block = bucket.block;
  Batch batch = {};
  uint64_t end = sizeof(Batch);
  auto put = [&](std::span<const int32_t> values) {
    if (!values.empty())
      std::memcpy(block.host + end, values.data(), values.size_bytes());
    const auto *there = reinterpret_cast<const int32_t *>(block.device + end);
    end += bucket.tokens * sizeof(int32_t);
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
  if (!choices.empty())
    std::memcpy(block.host + block.choices, choices.data(),
                choices.size_bytes());
}

DeviceLaunch DeviceExecutor::bound(const Bucket &bucket, const Launch &launch,
                                   const Batch &counts) const {
  const std::optional<DeviceCode> &code = artifact_.target().code;
  const DeviceKernel needs =
      code ? code->kernels[launch.kernel] : DeviceKernel();
  return {.kernel = kernels_[launch.kernel],
          .blocks = static_cast<uint32_t>(
              itemCount(launch.dimension, launch.count, launch.tile, counts)),
          .threads = needs.threads,
          .dynamicShared = needs.dynamicShared,
          .padded = false,
          .early = false,
          .operands = bucket.operands.data() + launch.firstOperand,
          .batch = reinterpret_cast<const Batch *>(bucket.block.device)};
}

/// A step that wants no rows has no items in some launches. The first launch
/// waits for the copies before it, as others do not.
Status DeviceExecutor::launchAll(const Bucket &bucket, const Batch &counts,
                                 bool padded, bool chooses) {
  bool early = false;
  for (const Launch &launch : regimes_[bucket.regime].launches) {
    DeviceLaunch call = bound(bucket, launch, counts);
    if (call.blocks == 0)
      continue;
    call.padded = padded;
    call.early = early;
    SINTER_TRY(driver_->launch(call));
    ++counters_.launches;
    counters_.early += early;
    early = early_;
  }
  return chooses ? launchSampling(bucket, counts, padded, early) : Status();
}

Status DeviceExecutor::launchSampling(const Bucket &bucket, const Batch &counts,
                                      bool padded, bool early) {
  ++counters_.launches;
  counters_.early += early;
  return driver_->launch(
      {.kernel = sampleKernel_,
       .blocks = static_cast<uint32_t>(counts.outputRows),
       .threads = sampleThreads_,
       .dynamicShared = 0,
       .padded = padded,
       .early = early,
       .operands = bucket.sampleOperands,
       .batch = reinterpret_cast<const Batch *>(bucket.block.device)});
}

/// Waits for each launch, to know what it took.
Status DeviceExecutor::launchTimed(const Bucket &bucket, const Batch &counts) {
  using Clock = std::chrono::steady_clock;
  const Regime &regime = regimes_[bucket.regime];
  for (size_t i = 0; i < regime.launches.size(); ++i) {
    DeviceLaunch call = bound(bucket, regime.launches[i], counts);
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

/// The graph is captured for the bucket's tokens; how many there are, its
/// kernels find in the batch, and blocks beyond them end at once.
Status DeviceExecutor::replay(Bucket &bucket, bool chooses) {
  void *&graph = bucket.graphs[chooses];
  if (!graph) {
    Batch counts = {};
    counts.tokens = counts.outputRows = static_cast<int32_t>(bucket.tokens);
    const DeviceCounters before = counters_;
    SINTER_TRY(driver_->beginGraph());
    Status captured =
        launchAll(bucket, counts, /*padded=*/bucket.tokens > 1, chooses);
    Result<void *> ended = driver_->endGraph();
    counters_ = before; // kept, not run
    SINTER_TRY(captured);
    if (!ended.ok())
      return ended.status();
    graph = *ended;
    ++counters_.captures;
  }
  SINTER_TRY(driver_->launchGraph(graph));
  ++counters_.replays;
  const uint64_t launches = regimes_[bucket.regime].launches.size() + chooses;
  counters_.launches += launches;
  counters_.early += early_ ? launches - 1 : 0;
  return {};
}

/// Waits for the step, and its rows if any are wanted.
Result<const float *> DeviceExecutor::takeResult(size_t rows) {
  const uint64_t bytes = rows * artifact_.plan().resultWidth * sizeof(float);
  std::byte *into = rows <= kPinnedRows ? pinnedLogits_ : logitsHere_.data();
  if (bytes) {
    SINTER_TRY(driver_->copyOut(into, logits_, bytes));
    counters_.copiedOut += bytes;
  }
  SINTER_TRY(driver_->synchronize());
  return reinterpret_cast<const float *>(into);
}

/// The smallest that holds the step, of its regime.
DeviceExecutor::Bucket &DeviceExecutor::bucketOf(const Step &step) {
  auto found =
      std::find_if(buckets_.begin(), buckets_.end(), [&](const Bucket &bucket) {
        return bucket.regime == step.regime &&
               bucket.tokens >= step.input.tokens.size();
      });
  assert(found != buckets_.end() && "the step was checked");
  return *found;
}

/// All but the way back.
Status DeviceExecutor::start(const Step &step,
                             std::span<const TokenChoice> choices) {
  const StepInput &input = step.input;
  Bucket &bucket = bucketOf(step);
  const bool chooses = !choices.empty();
  SINTER_TRY(memory_->problem());
  SINTER_TRY(copyTables());
  fillBlock(bucket, input, choices);
  const Block &block = bucket.block;
  const uint64_t bytes =
      chooses ? block.choices + choices.size_bytes() : block.choices;
  SINTER_TRY(driver_->copyIn(block.device, block.host, bytes));
  counters_.copiedIn += bytes;
  ++counters_.steps;
  Batch counts = {};
  counts.tokens = static_cast<int32_t>(input.tokens.size());
  counts.outputRows = static_cast<int32_t>(input.outputs.size());
  if (!times_.empty()) {
    SINTER_TRY(launchTimed(bucket, counts));
    return chooses ? launchSampling(bucket, counts, false, false) : Status();
  }
  const bool decodes = input.outputs.size() == input.tokens.size() &&
                       bucket.tokens <= kGraphTokens;
  return useGraphs_ && decodes ? replay(bucket, chooses)
                               : launchAll(bucket, counts, false, chooses);
}

Result<const float *> DeviceExecutor::run(const Step &step) {
  const uint64_t allocations = driver_->allocations();
  SINTER_TRY(start(step, {}));
  Result<const float *> result = takeResult(step.input.outputs.size());
  counters_.stepAllocations += driver_->allocations() - allocations;
  return result;
}

Result<int32_t> DeviceExecutor::chooseHere(size_t row,
                                           const TokenChoice &choice) {
  const uint32_t width = artifact_.plan().resultWidth;
  const uint64_t bytes = width * sizeof(float);
  SINTER_TRY(driver_->copyOut(pinnedLogits_, logits_ + row * bytes, bytes));
  SINTER_TRY(driver_->synchronize());
  counters_.copiedOut += bytes;
  ++counters_.leftToHost;
  return chooser_.choose(
      {reinterpret_cast<const float *>(pinnedLogits_), width}, choice);
}

Result<std::span<const int32_t>>
DeviceExecutor::choose(const Step &step, std::span<const TokenChoice> choices) {
  assert(choosesTokens() && choices.size() == step.input.outputs.size() &&
         "one choice for each output");
  const uint64_t allocations = driver_->allocations();
  SINTER_TRY(start(step, choices));
  const uint64_t bytes = choices.size() * sizeof(int32_t);
  if (bytes)
    SINTER_TRY(driver_->copyOut(reinterpret_cast<std::byte *>(chosenHere_),
                                chosen_, bytes));
  SINTER_TRY(driver_->synchronize());
  counters_.copiedOut += bytes;
  counters_.chosen += choices.size();
  for (size_t row = 0; row < choices.size(); ++row) {
    if (chosenHere_[row] != kLeftToHost)
      continue;
    --counters_.chosen;
    Result<int32_t> token = chooseHere(row, choices[row]);
    if (!token.ok())
      return token.status();
    chosenHere_[row] = *token;
  }
  counters_.stepAllocations += driver_->allocations() - allocations;
  return std::span<const int32_t>(chosenHere_, choices.size());
}

} // namespace sinter
