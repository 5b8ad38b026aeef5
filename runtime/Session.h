/// Runs a compiled model: takes tokens, gives logits, and keeps what the model
/// remembers in between.
#ifndef SINTER_RUNTIME_SESSION_H
#define SINTER_RUNTIME_SESSION_H

#include "runtime/Artifact.h"
#include "runtime/Device.h"
#include "runtime/Executor.h"
#include "runtime/KvCache.h"
#include "runtime/RecurrentStates.h"
#include "runtime/SequenceSnapshot.h"
#include "runtime/Status.h"
#include "runtime/StepInput.h"
#include "runtime/TokenChooser.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sinter {

struct SessionOptions {
  int threads = 0;            ///< 0: one per physical core
  uint32_t contextLength = 0; ///< 0: what the model was trained for
  uint32_t maxSequences = 1;
  uint32_t chunk = 0; ///< tokens in a step of append(); 0: the largest regime
  Device device = {};
};

enum class Outputs {
  None, ///< only remember the tokens
  Last, ///< logits of the last token
};

/// Bytes of recurrent states that the steps so far have moved.
struct StateTraffic {
  uint64_t inPlace = 0; ///< read and written where they lie
  uint64_t copied = 0;  ///< to and from the arena
};

/// One loaded model with its sequences. Answers depend only on the tokens, not
/// on threads or chunks. Threads may use it one after the other, not at once.
class Session {
public:
  /// Loads the artifact's kernels if need be; the artifact outlives the
  /// session. Everything a step needs is allocated here. Errors:
  /// InvalidArgument for options, ResourceExhausted, and makeExecutor()'s.
  static Result<std::unique_ptr<Session>> create(Artifact &artifact,
                                                 const SessionOptions &options);

  /// Runs one step and returns float [outputs, resultWidth], valid until the
  /// next step. Allocates nothing unless it fails. What is wrong with the input
  /// changes nothing; where a device fails, the step's sequences are empty.
  /// Errors: OutOfRange (step, context, vocabulary), InvalidArgument (also a
  /// sequence that goes on where the model reads sequences whole, and a row in
  /// the middle of a sequence where it gives one for each), Internal when an
  /// emulated device finds a kernel at fault.
  Result<std::span<const float>> step(const StepInput &input);

  /// As step(), but gives for each output the token that TokenChooser chooses
  /// by the choice for it. Where choosesTokens(), logits stay on the device,
  /// and the tokens are the same. Errors: also InvalidArgument for a model that
  /// gives no logits or another number of choices, and TokenChooser's.
  Result<std::span<const int32_t>> choose(const StepInput &input,
                                          std::span<const TokenChoice> choices);
  bool choosesTokens() const { return executor_->choosesTokens(); }

  /// Appends tokens to sequence `slot`, in chunks; returns the logits of the
  /// last one if wanted. Errors: as step(); the input is checked before any
  /// chunk runs.
  Result<std::span<const float>> append(int32_t slot,
                                        std::span<const int32_t> tokens,
                                        Outputs outputs = Outputs::Last);

  /// The same, and chooses what follows them.
  Result<int32_t> appendAndChoose(int32_t slot, std::span<const int32_t> tokens,
                                  const TokenChoice &choice);

  /// Forgets tokens of a sequence from `length` on. Errors: OutOfRange if it
  /// has fewer, or if attention with a window no longer has what it looks at
  /// from there (0 is always possible); Unsupported with recurrent states,
  /// which cannot go back, unless `length` is 0 or what the sequence holds:
  /// restore() goes back to a snapshot.
  Status truncate(int32_t slot, uint32_t length);

  /// Makes the empty sequence `to` a copy of `from`: pages are shared,
  /// recurrent states copied.
  Status fork(int32_t from, int32_t to);

  /// The states of a sequence as bytes. Errors: OutOfRange, and Internal where
  /// a device fails.
  Result<std::vector<std::byte>>
  snapshot(int32_t slot, SnapshotScope scope = SnapshotScope::All) const;

  /// Makes `slot` what it was when the snapshot was taken, whatever it holds
  /// now; one of recurrent states needs the sequence it was taken of, at its
  /// length or longer. Errors: CorruptData, InvalidArgument, OutOfRange.
  Status restore(int32_t slot, std::span<const std::byte> snapshot);

  /// From now on every step adds up what its launches take; earlier sums go.
  void startProfile() { executor_->startProfile(); }
  void stopProfile() { executor_->stopProfile(); }

  /// Times of the plan's launches, in its order; empty before startProfile().
  std::span<const LaunchTime> profile() const { return executor_->profile(); }

  uint32_t sequences() const { return cache_.sequences(); }
  uint32_t length(int32_t slot) const { return cache_.length(slot); }
  uint32_t vocabulary() const { return artifact_.plan().vocabulary; }
  /// What a step gives, and how many numbers are in a row of it.
  ResultKind result() const { return artifact_.plan().result; }
  ResultRows resultRows() const { return artifact_.plan().rows; }
  uint32_t resultWidth() const { return artifact_.plan().resultWidth; }
  /// Whether all tokens of a sequence are in one step.
  bool wholeSequences() const { return artifact_.plan().wholeSequences; }
  uint32_t contextLength() const { return cache_.contextLength(); }
  uint32_t chunk() const { return chunk_; }
  int threads() const { return executor_->threads(); }
  /// Where the model runs, and what its user should know of that.
  std::string place() const { return executor_->place(); }
  std::span<const std::string> notes() const { return notes_; }
  double copyRate() { return executor_->copyRate(); }
  /// Null on a processor.
  const DeviceCounters *deviceCounters() const { return executor_->counters(); }
  const KvCache &cache() const { return cache_; }
  const RecurrentStates &recurrent() const { return recurrent_; }
  const StateTraffic &stateTraffic() const { return traffic_; }
  uint64_t arenaBytes() const { return executor_->arenaBytes(); }

private:
  Session(Artifact &artifact, std::unique_ptr<Executor> executor, KvCache cache,
          RecurrentStates recurrent)
      : artifact_(artifact), executor_(std::move(executor)),
        cache_(std::move(cache)), recurrent_(std::move(recurrent)) {}

  void forget(std::span<const int32_t> slots);
  Status checkAppend(int32_t slot, std::span<const int32_t> tokens) const;
  StepInput chunkInput(int32_t slot, std::span<const int32_t> tokens,
                       bool wanted);
  Status begin(const StepInput &input, size_t &regime);
  void sumTraffic();
  size_t regimeOf(size_t tokens) const;
  Status checkStep(const StepInput &input) const;
  Status checkOutputs(const StepInput &input) const;
  Status checkSlot(int32_t slot) const;
  Status checkTokens(std::span<const int32_t> tokens) const;

  Artifact &artifact_;
  std::unique_ptr<Executor> executor_;
  KvCache cache_;
  RecurrentStates recurrent_;
  StateTraffic traffic_;
  std::vector<StateTraffic> perSequence_; ///< [regime]
  std::vector<std::string> notes_;
  TokenChooser chooser_;
  std::vector<int32_t> chosen_;
  uint32_t maxTokens_ = 0;
  uint32_t chunk_ = 0;
  std::vector<int32_t> chunkPositions_;
  std::vector<int32_t> chunkSlots_;
  int32_t lastOfChunk_ = 0;
};

} // namespace sinter

#endif // SINTER_RUNTIME_SESSION_H
