/// Walks a plan on a device. What changes from step to step goes there in one
/// copy, so that a list of launches can be captured once and replayed.
#ifndef SINTER_RUNTIME_DEVICE_DEVICEEXECUTOR_H
#define SINTER_RUNTIME_DEVICE_DEVICEEXECUTOR_H

#include "runtime/Artifact.h"
#include "runtime/Device.h"
#include "runtime/Executor.h"
#include "runtime/MappedMemory.h"
#include "runtime/TokenChooser.h"
#include "runtime/device/DeviceDriver.h"
#include "runtime/device/DeviceMemory.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace sinter {

class DeviceExecutor final : public Executor {
public:
  /// Loads the kernels and uploads the weights of the artifact's chosen
  /// target; the artifact outlives this.
  static Result<std::unique_ptr<Executor>>
  create(const Artifact &artifact, std::unique_ptr<DeviceDriver> driver,
         const Device &device);

  std::shared_ptr<StateMemory> stateMemory() override { return memory_; }
  Status prepare(const KvCache &cache,
                 const RecurrentStates &recurrent) override;
  Result<const float *> run(const Step &step) override;
  bool choosesTokens() const override { return sampleKernel_ != nullptr; }
  Result<std::span<const int32_t>>
  choose(const Step &step, std::span<const TokenChoice> choices) override;
  std::string place() const override { return driver_->name(); }
  int threads() const override { return driver_->threads(); }
  uint64_t arenaBytes() const override { return arenaBytes_; }
  void startProfile() override;
  void stopProfile() override { times_.clear(); }
  std::span<const LaunchTime> profile() const override { return times_; }
  double copyRate() override;
  uint64_t freeBytes() const override { return driver_->freeBytes(); }
  const DeviceCounters *counters() const override { return &counters_; }

private:
  /// Steps of up to so many tokens, all of whose rows are wanted (they decode),
  /// have a graph: larger ones take so long that launches cost nothing.
  static constexpr uint64_t kGraphTokens = 128;
  /// Rows of logits that come back through pinned memory.
  static constexpr uint64_t kPinnedRows = 64;

  struct Launch {
    uint32_t kernel;
    ItemDimension dimension;
    uint32_t count, tile;
    size_t firstOperand;
  };
  struct Regime {
    uint32_t firstLaunch; ///< in the plan
    std::vector<Launch> launches;
  };
  /// What a step's input looks like on the device and, pinned, here: the
  /// batch, its arrays, the tables of angles, then how tokens are chosen.
  struct Block {
    std::byte *device = nullptr, *host = nullptr;
    std::vector<uint64_t> ropeTables; ///< where they begin
    uint64_t choices = 0;             ///< likewise
    uint64_t bytes = 0;
  };
  /// Steps of so many tokens, down to the next smaller bucket, have an input
  /// and graphs in common: their number of tokens is in the input.
  struct Bucket {
    uint32_t tokens;
    size_t regime;
    Block block;
    std::vector<void *> operands; ///< of the regime's launches
    void *sampleOperands[3] = {};
    void *graphs[2] = {}; ///< [whether tokens are chosen]
  };
  /// A copy of a table of pages.
  struct Table {
    std::byte *device = nullptr;
    uint64_t version = ~uint64_t(0);
  };

  DeviceExecutor(const Artifact &artifact, std::unique_ptr<DeviceDriver> driver,
                 const Device &device);

  Status upload();
  Status reserveBuffers();
  Status addTables();
  Status addRings();
  Status addBlock(Bucket &bucket);
  Status bindRegimes();
  Status addBuckets(size_t regime, uint32_t fewest, uint32_t most);
  Status addSampling();
  std::byte *address(const PlanOperand &operand, const Block &block) const;
  Result<double> measureCopies(std::byte *const (&buffers)[2], uint64_t bytes);
  Bucket &bucketOf(const Step &step);
  Status copyTables();
  void fillBlock(const Bucket &bucket, const StepInput &input,
                 std::span<const TokenChoice> choices) const;
  Status start(const Step &step, std::span<const TokenChoice> choices);
  Status launchAll(const Bucket &bucket, const Batch &counts, bool padded,
                   bool chooses);
  Status launchTimed(const Bucket &bucket, const Batch &counts);
  Status launchSampling(const Bucket &bucket, const Batch &counts, bool padded,
                        bool early);
  DeviceLaunch bound(const Bucket &bucket, const Launch &launch,
                     const Batch &counts) const;
  Status replay(Bucket &bucket, bool chooses);
  Result<const float *> takeResult(size_t rows);
  Result<int32_t> chooseHere(size_t row, const TokenChoice &choice);

  const Artifact &artifact_;
  std::shared_ptr<DeviceDriver> driver_;
  std::shared_ptr<DeviceMemory> memory_;
  const bool useGraphs_;
  const bool early_; ///< launches but a step's first may begin early
  const KvCache *cache_ = nullptr;
  const RecurrentStates *recurrent_ = nullptr;
  std::vector<void *> kernels_;
  void *sampleKernel_ = nullptr; ///< of the plan, if it has one
  uint32_t sampleThreads_ = 0;
  std::byte *chosen_ = nullptr; ///< tokens, on the device
  int32_t *chosenHere_ = nullptr;
  TokenChooser chooser_; ///< for what the device leaves to us
  std::byte *weights_ = nullptr, *arena_ = nullptr, *logits_ = nullptr;
  std::byte *pinnedLogits_ = nullptr; ///< of few rows
  MappedMemory logitsHere_;           ///< of all rows
  uint64_t arenaBytes_ = 0;
  std::vector<Table> tables_;      ///< [group of the cache]
  std::vector<std::byte *> rings_; ///< [state] CacheRing, on the device
  std::vector<Regime> regimes_;
  std::vector<Bucket> buckets_; ///< ascending
  std::vector<LaunchTime> times_;
  DeviceCounters counters_;
};

} // namespace sinter

#endif // SINTER_RUNTIME_DEVICE_DEVICEEXECUTOR_H
