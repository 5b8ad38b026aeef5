/// What walks a plan: threads of this processor, or a device.
#ifndef SINTER_RUNTIME_EXECUTOR_H
#define SINTER_RUNTIME_EXECUTOR_H

#include "runtime/ArtifactFormat.h"
#include "runtime/KvCache.h"
#include "runtime/RecurrentStates.h"
#include "runtime/StateMemory.h"
#include "runtime/Status.h"
#include "runtime/StepInput.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace sinter {

/// What one launch took, summed over steps: on a processor what its first
/// thread spent.
struct LaunchTime {
  double wait = 0; ///< seconds at the barrier before it
  double work = 0; ///< seconds in the kernel
  uint64_t steps = 0;
};

/// What a device was asked for since the session began.
struct DeviceCounters {
  uint64_t steps = 0;
  uint64_t launches = 0; ///< of kernels, those of replayed graphs too
  uint64_t early = 0;    ///< of these: might begin before the one before ended
  uint64_t captures = 0; ///< of graphs
  uint64_t replays = 0;
  uint64_t copiedIn = 0, copiedOut = 0; ///< bytes, by steps
  uint64_t uploaded = 0;                ///< bytes of weights, at the start
  uint64_t stepAllocations = 0;         ///< memory taken while steps ran
  uint64_t chosen = 0;                  ///< tokens that the device chose
  uint64_t leftToHost = 0; ///< rows whose token it left to the host
};

/// A checked step.
struct Step {
  const StepInput &input;
  size_t regime; ///< of the plan
};

/// One for each session, for the artifact's chosen target.
class Executor {
public:
  virtual ~Executor() = default;

  virtual std::shared_ptr<StateMemory> stateMemory() = 0;

  /// Takes all memory that steps need. The states outlive this.
  virtual Status prepare(const KvCache &cache,
                         const RecurrentStates &recurrent) = 0;

  /// The step's result, float [outputs, resultWidth], valid until the next.
  /// Allocates nothing. Errors: Internal when a kernel fails.
  virtual Result<const float *> run(const Step &step) = 0;

  /// Whether choose() may be called: logits then stay where they are.
  virtual bool choosesTokens() const { return false; }
  /// As run(), but gives for each output the token that TokenChooser would
  /// choose. Errors: those of run() and TokenChooser.
  virtual Result<std::span<const int32_t>>
  choose(const Step &step, std::span<const TokenChoice> choices) {
    (void)step, (void)choices;
    return Status(Code::Unsupported, "tokens are not chosen here");
  }

  /// "2 threads", "GPU 0, NVIDIA H200".
  virtual std::string place() const = 0;
  virtual int threads() const = 0;
  virtual uint64_t arenaBytes() const = 0;

  /// From now on every step adds up what its launches take; earlier sums go.
  virtual void startProfile() = 0;
  virtual void stopProfile() = 0;
  virtual std::span<const LaunchTime> profile() const = 0;

  /// Bytes a second that a device reads and writes when it copies its own
  /// memory, measured now; 0 where that is unknown.
  virtual double copyRate() { return 0; }

  /// Bytes of a device's memory that nobody has; 0 where none is set apart.
  virtual uint64_t freeBytes() const { return 0; }

  /// Null on a processor.
  virtual const DeviceCounters *counters() const { return nullptr; }
};

} // namespace sinter

#endif // SINTER_RUNTIME_EXECUTOR_H
