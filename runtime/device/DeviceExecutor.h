/// Walks a plan on a device. What changes from step to step goes there in one
/// copy, so that a list of launches can be captured once and replayed.
#ifndef SINTER_RUNTIME_DEVICE_DEVICEEXECUTOR_H
#define SINTER_RUNTIME_DEVICE_DEVICEEXECUTOR_H

#include "runtime/Artifact.h"
#include "runtime/Executor.h"
#include "runtime/MappedMemory.h"
#include "runtime/device/DeviceDriver.h"
#include "runtime/device/DeviceMemory.h"

#include <memory>
#include <string>
#include <vector>

namespace sinter {

class DeviceExecutor final : public Executor {
public:
  /// Loads the kernels and uploads the weights of the artifact's chosen
  /// target; the artifact outlives this.
  static Result<std::unique_ptr<Executor>>
  create(const Artifact &artifact, std::unique_ptr<DeviceDriver> driver,
         bool graphs);

  std::shared_ptr<StateMemory> stateMemory() override { return memory_; }
  Status prepare(const KvCache &cache,
                 const RecurrentStates &recurrent) override;
  Result<const float *> run(const Step &step) override;
  std::string place() const override { return driver_->name(); }
  int threads() const override { return driver_->threads(); }
  uint64_t arenaBytes() const override { return arenaBytes_; }
  void startProfile() override;
  void stopProfile() override { times_.clear(); }
  std::span<const LaunchTime> profile() const override { return times_; }
  double copyRate() override;
  const DeviceCounters *counters() const override { return &counters_; }

private:
  /// Steps of up to so many tokens, all of whose rows are wanted (they decode),
  /// have a graph, and their rows come back through pinned memory: larger ones
  /// take so long that launches cost nothing.
  static constexpr uint64_t kGraphTokens = 64;

  struct Launch {
    uint32_t kernel;
    ItemDimension dimension;
    uint32_t count, tile;
    size_t firstOperand;
  };
  /// What a step's input looks like on the device and, pinned, here: the
  /// batch, its arrays, then the tables of angles.
  struct Block {
    std::byte *device = nullptr, *host = nullptr;
    uint64_t bytes = 0;
    std::vector<uint64_t> ropeTables; ///< where they begin
  };
  struct Regime {
    uint32_t maxTokens;
    uint32_t firstLaunch; ///< in the plan
    Block block;
    std::vector<Launch> launches;
    std::vector<void *> operands;
  };
  /// A copy of a table of pages.
  struct Table {
    std::byte *device = nullptr;
    uint64_t version = ~uint64_t(0);
  };

  DeviceExecutor(const Artifact &artifact, std::unique_ptr<DeviceDriver> driver,
                 bool graphs);

  Status upload();
  Status reserveBuffers();
  Status addTables();
  Status addRings();
  Status addBlock(Regime &regime);
  Status bindRegimes();
  std::byte *address(const PlanOperand &operand, const Block &block) const;
  Status copyTables();
  void fillBlock(const Regime &regime, const StepInput &input) const;
  Status launchAll(const Regime &regime, const Batch &counts);
  Status launchTimed(const Regime &regime, const Batch &counts);
  DeviceLaunch bound(const Regime &regime, const Launch &launch,
                     const Batch &counts) const;
  Status replay(const Regime &regime, const Batch &counts);
  Result<const float *> takeResult(size_t rows);

  const Artifact &artifact_;
  std::shared_ptr<DeviceDriver> driver_;
  std::shared_ptr<DeviceMemory> memory_;
  const bool useGraphs_;
  const KvCache *cache_ = nullptr;
  const RecurrentStates *recurrent_ = nullptr;
  std::vector<void *> kernels_;
  std::byte *weights_ = nullptr, *arena_ = nullptr, *logits_ = nullptr;
  std::byte *pinnedLogits_ = nullptr; ///< of few rows
  MappedMemory logitsHere_;           ///< of all rows
  uint64_t arenaBytes_ = 0;
  std::vector<Table> tables_;      ///< [group of the cache]
  std::vector<std::byte *> rings_; ///< [state] CacheRing, on the device
  std::vector<Regime> regimes_;
  std::vector<void *> graphs_; ///< [tokens of a step that wants all rows]
  std::vector<LaunchTime> times_;
  DeviceCounters counters_;
};

} // namespace sinter

#endif // SINTER_RUNTIME_DEVICE_DEVICEEXECUTOR_H
