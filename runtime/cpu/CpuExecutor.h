/// Walks a plan on threads of this processor, over memory of this process.
#ifndef SINTER_RUNTIME_CPU_CPUEXECUTOR_H
#define SINTER_RUNTIME_CPU_CPUEXECUTOR_H

#include "runtime/Artifact.h"
#include "runtime/Executor.h"
#include "runtime/MappedMemory.h"
#include "runtime/cpu/LaunchList.h"
#include "runtime/cpu/ThreadPool.h"

#include <memory>
#include <string>
#include <vector>

namespace sinter {

class CpuExecutor final : public Executor {
public:
  /// The artifact, whose kernels are loaded, outlives this. `threads` 0: one
  /// for each core.
  static Result<std::unique_ptr<Executor>> create(const Artifact &artifact,
                                                  int threads);

  std::shared_ptr<StateMemory> stateMemory() override { return memory_; }
  Status prepare(const KvCache &cache,
                 const RecurrentStates &recurrent) override;
  Result<const float *> run(const Step &step) override;
  std::string place() const override;
  int threads() const override { return pool_->threads(); }
  uint64_t arenaBytes() const override { return arena_.size(); }
  void startProfile() override;
  void stopProfile() override { times_.clear(); }
  std::span<const LaunchTime> profile() const override { return times_; }

private:
  struct Regime {
    uint32_t firstLaunch; ///< in the plan
    uint64_t weightBytes = 0;
    std::vector<BoundLaunch> launches;
    std::vector<void *> operands;
  };

  explicit CpuExecutor(const Artifact &artifact) : artifact_(artifact) {}

  Status reserveBuffers();
  void bindRegimes();
  void *address(const PlanOperand &operand) const;
  bool isSmall(const Step &step) const;

  const Artifact &artifact_;
  std::shared_ptr<StateMemory> memory_ = hostMemory();
  std::unique_ptr<ThreadPool> pool_;
  const KvCache *cache_ = nullptr;
  const RecurrentStates *recurrent_ = nullptr;
  MappedMemory arena_, logits_;
  std::vector<MappedMemory> ropeTables_;
  std::vector<Regime> regimes_;
  std::vector<LaunchTime> times_;
};

} // namespace sinter

#endif // SINTER_RUNTIME_CPU_CPUEXECUTOR_H
