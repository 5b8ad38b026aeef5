/// What a device executor does before the first step: kernels, weights, all
/// memory, and addresses.
#include "runtime/RopeTables.h"
#include "runtime/device/DeviceExecutor.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <chrono>
#include <cstring>
#include <optional>
#include <utility>

namespace sinter {

/// Uploaded at a time: large enough for the bus, small enough to be pinned.
static constexpr uint64_t kUploadBytes = 16 << 20;
/// Tables of angles begin at lines of a GPU's cache.
static constexpr uint64_t kLine = 128;

DeviceExecutor::DeviceExecutor(const Artifact &artifact,
                               std::unique_ptr<DeviceDriver> driver,
                               const Device &device)
    : artifact_(artifact), driver_(std::move(driver)),
      memory_(std::make_shared<DeviceMemory>(driver_)),
      useGraphs_(device.graphs),
      early_(device.early && driver_->beginsEarly() && artifact.target().code &&
             artifact.target().code->header.early) {}

Result<std::unique_ptr<Executor>>
DeviceExecutor::create(const Artifact &artifact,
                       std::unique_ptr<DeviceDriver> driver,
                       const Device &device) {
  std::unique_ptr<DeviceExecutor> executor(
      new DeviceExecutor(artifact, std::move(driver), device));
  Result<std::vector<void *>> kernels =
      executor->driver_->loadKernels(artifact.target());
  if (!kernels.ok())
    return kernels.status();
  executor->kernels_ = std::move(*kernels);
  SINTER_TRY(executor->upload());
  return std::unique_ptr<Executor>(std::move(executor));
}

/// Pieces go through two pinned buffers: one is filled from the file while the
/// other is on its way.
Status DeviceExecutor::upload() {
  std::span<const std::byte> from = artifact_.weights();
  if ((weights_ = driver_->useInPlace(from, "weights")))
    return {};
  Result<std::byte *> memory = driver_->allocate(from.size(), "weights");
  if (!memory.ok())
    return memory.status();
  weights_ = *memory;
  std::byte *buffers[2];
  const uint64_t piece = std::min<uint64_t>(kUploadBytes, from.size());
  for (std::byte *&buffer : buffers) {
    Result<std::byte *> pinned = driver_->allocatePinned(piece);
    if (!pinned.ok())
      return pinned.status();
    buffer = *pinned;
  }
  unsigned turn = 0;
  for (uint64_t at = 0; at < from.size(); at += piece, ++turn) {
    const unsigned now = turn % 2;
    const uint64_t bytes = std::min<uint64_t>(piece, from.size() - at);
    if (turn >= 2)
      SINTER_TRY(driver_->wait(now));
    std::memcpy(buffers[now], from.data() + at, bytes);
    SINTER_TRY(driver_->copyIn(weights_ + at, buffers[now], bytes));
    SINTER_TRY(driver_->record(now));
  }
  SINTER_TRY(driver_->synchronize());
  for (std::byte *buffer : buffers)
    driver_->freePinned(buffer);
  counters_.uploaded = from.size();
  return {};
}

static Status take(Result<std::byte *> memory, std::byte *&into) {
  if (!memory.ok())
    return memory.status();
  into = *memory;
  return {};
}

Status DeviceExecutor::reserveBuffers() {
  const Plan &plan = artifact_.plan();
  const uint64_t rowBytes = plan.resultWidth * sizeof(float);
  const uint64_t rows = plan.regimes.back().maxTokens;
  arenaBytes_ = plan.arenaBytes();
  SINTER_TRY(take(driver_->allocate(arenaBytes_, "activations"), arena_));
  // Kernels read padding, and multiply what they find there by 0.
  SINTER_TRY(driver_->zero(arena_, arenaBytes_));
  SINTER_TRY(take(driver_->allocate(rows * rowBytes, "logits"), logits_));
  SINTER_TRY(
      take(driver_->allocatePinned(std::min(rows, kPinnedRows) * rowBytes),
           pinnedLogits_));
  Result<MappedMemory> here = MappedMemory::reserve(rows * rowBytes, "logits");
  if (!here.ok())
    return here.status();
  logitsHere_ = std::move(*here);
  return {};
}

Status DeviceExecutor::addTables() {
  tables_.resize(cache_->groups());
  for (size_t i = 0; i < tables_.size(); ++i)
    SINTER_TRY(
        take(driver_->allocate(cache_->group(i).entries() * sizeof(int32_t),
                               "tables of pages"),
             tables_[i].device));
  return {};
}

/// A windowed state's operand is a struct, which lies on the device too.
Status DeviceExecutor::addRings() {
  const std::vector<PlanState> &states = artifact_.plan().states;
  rings_.assign(states.size(), nullptr);
  std::vector<CacheRing> here(states.size());
  for (size_t i = 0; i < states.size(); ++i) {
    if (states[i].kind != StateKind::KvCache || !cache_->hasWindow(i))
      continue;
    const size_t group = cache_->groupOf(i);
    here[i] = {cache_->pool(i),
               reinterpret_cast<const int32_t *>(tables_[group].device),
               cache_->group(group).blocks()};
    SINTER_TRY(take(driver_->allocate(sizeof(CacheRing), "rings of pages"),
                    rings_[i]));
    SINTER_TRY(driver_->copyIn(rings_[i],
                               reinterpret_cast<const std::byte *>(&here[i]),
                               sizeof(CacheRing)));
  }
  return driver_->synchronize();
}

Status DeviceExecutor::addBlock(Bucket &bucket) {
  Block &block = bucket.block;
  auto place = [&](uint64_t bytes) {
    const uint64_t begin = (block.bytes + kLine - 1) / kLine * kLine;
    block.bytes = begin + bytes;
    return begin;
  };
  block.bytes = sizeof(Batch) + 4 * bucket.tokens * sizeof(int32_t);
  for (const PlanRopeTable &rope : artifact_.plan().ropeTables)
    block.ropeTables.push_back(
        place(uint64_t(bucket.tokens) * 2 * rope.pairs * sizeof(float)));
  block.choices = place(bucket.tokens * sizeof(TokenChoice));
  SINTER_TRY(
      take(driver_->allocate(block.bytes, "inputs of a step"), block.device));
  SINTER_TRY(take(driver_->allocatePinned(block.bytes), block.host));
  std::memset(block.host, 0, block.bytes);
  return {};
}

std::byte *DeviceExecutor::address(const PlanOperand &operand,
                                   const Block &block) const {
  switch (operand.kind) {
  case OperandKind::Arena:
    return arena_ + operand.offset;
  case OperandKind::Weight:
    return weights_ + operand.offset;
  case OperandKind::State:
    if (std::byte *slots = recurrent_->pool(operand.index))
      return slots;
    return rings_[operand.index] ? rings_[operand.index]
                                 : cache_->pool(operand.index);
  case OperandKind::RopeTable:
    return block.device + block.ropeTables[operand.index];
  case OperandKind::Logits:
    return logits_;
  }
  assert(false && "a checked plan has no other operands");
  return nullptr;
}

/// The plan's kernel that no launch calls, and where its tokens go.
Status DeviceExecutor::addSampling() {
  const Plan &plan = artifact_.plan();
  const std::optional<DeviceCode> &code = artifact_.target().code;
  for (size_t i = 0; i < plan.kernels.size(); ++i)
    if (plan.string(plan.kernels[i].name) == kSampleKernel &&
        plan.result == ResultKind::Logits) {
      sampleKernel_ = kernels_[i];
      sampleThreads_ = code ? code->kernels[i].threads : 0;
    }
  if (!sampleKernel_)
    return {};
  const uint64_t bytes = plan.regimes.back().maxTokens * sizeof(int32_t);
  std::byte *here = nullptr;
  SINTER_TRY(take(driver_->allocate(bytes, "chosen tokens"), chosen_));
  SINTER_TRY(take(driver_->allocatePinned(bytes), here));
  chosenHere_ = reinterpret_cast<int32_t *>(here);
  return {};
}

/// Powers of two, and what the regime can hold at most.
Status DeviceExecutor::addBuckets(size_t regime, uint32_t fewest,
                                  uint32_t most) {
  const Plan &plan = artifact_.plan();
  const PlanRegime &from = plan.regimes[regime];
  for (uint32_t tokens = std::min(std::bit_ceil(fewest), most);;
       tokens = std::min(2 * tokens, most)) {
    Bucket &bucket = buckets_.emplace_back();
    bucket.tokens = tokens;
    bucket.regime = regime;
    SINTER_TRY(addBlock(bucket));
    for (uint32_t i = 0; i < from.launchCount; ++i) {
      const PlanLaunch &launch = plan.launches[from.firstLaunch + i];
      for (uint32_t k = 0; k < launch.operandCount; ++k)
        bucket.operands.push_back(
            address(plan.operands[launch.firstOperand + k], bucket.block));
    }
    bucket.sampleOperands[0] = logits_;
    bucket.sampleOperands[1] = bucket.block.device + bucket.block.choices;
    bucket.sampleOperands[2] = chosen_;
    if (tokens == most)
      return {};
  }
}

Status DeviceExecutor::bindRegimes() {
  const Plan &plan = artifact_.plan();
  uint32_t fewest = 1;
  for (const PlanRegime &from : plan.regimes) {
    Regime &regime = regimes_.emplace_back();
    regime.firstLaunch = from.firstLaunch;
    size_t operands = 0;
    for (uint32_t i = 0; i < from.launchCount; ++i) {
      const PlanLaunch &launch = plan.launches[from.firstLaunch + i];
      regime.launches.push_back({launch.kernel, launch.dimension, launch.count,
                                 launch.tile, operands});
      operands += launch.operandCount;
    }
    SINTER_TRY(addBuckets(regimes_.size() - 1, fewest, from.maxTokens));
    fewest = from.maxTokens + 1;
  }
  return {};
}

/// Two buffers of a device for as long as it is measured.
Result<double> DeviceExecutor::measureCopies(std::byte *const (&buffers)[2],
                                             uint64_t bytes) {
  using Clock = std::chrono::steady_clock;
  constexpr int kCopies = 8; // for the clock's sake
  SINTER_TRY(driver_->copy(buffers[1], buffers[0], bytes));
  SINTER_TRY(driver_->synchronize());
  const Clock::time_point began = Clock::now();
  for (int i = 0; i < kCopies; ++i)
    SINTER_TRY(driver_->copy(buffers[1], buffers[0], bytes));
  SINTER_TRY(driver_->synchronize());
  return 2.0 * kCopies * double(bytes) /
         std::chrono::duration<double>(Clock::now() - began).count();
}

double DeviceExecutor::copyRate() {
  constexpr uint64_t kBytes = 512 << 20; // beyond every last-level cache
  std::byte *buffers[2] = {};
  bool taken = true;
  for (std::byte *&buffer : buffers)
    taken =
        taken && take(driver_->allocate(kBytes, "a measurement"), buffer).ok();
  Result<double> rate = taken ? measureCopies(buffers, kBytes) : 0.0;
  for (std::byte *buffer : buffers)
    if (buffer)
      driver_->free(buffer);
  return rate.ok() ? *rate : 0;
}

Status DeviceExecutor::prepare(const KvCache &cache,
                               const RecurrentStates &recurrent) {
  cache_ = &cache;
  recurrent_ = &recurrent;
  SINTER_TRY(reserveBuffers());
  SINTER_TRY(addTables());
  SINTER_TRY(addRings());
  SINTER_TRY(addSampling());
  SINTER_TRY(bindRegimes());
  return driver_->synchronize();
}

} // namespace sinter
