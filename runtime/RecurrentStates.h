/// Holds what recurrent layers carry from token to token: one slot per
/// sequence and layer, which kernels read and write in place.
#ifndef SINTER_RUNTIME_RECURRENTSTATES_H
#define SINTER_RUNTIME_RECURRENTSTATES_H

#include "runtime/ArtifactFormat.h"
#include "runtime/StateMemory.h"
#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace sinter {

/// The recurrent ones among a plan's states, each a pool of slots. Nothing is
/// zeroed: a kernel starts a sequence's first token from zeros by itself.
class RecurrentStates {
public:
  /// Slots for `sequences` sequences. `states` come from a checked plan; those
  /// of other kinds get no pool. Errors: ResourceExhausted.
  static Result<RecurrentStates>
  create(std::span<const PlanState> states, uint32_t sequences,
         std::shared_ptr<StateMemory> memory = hostMemory());

  /// Whether the model has such states at all.
  bool empty() const { return sequenceBytes_ == 0; }

  /// Base of the pool of a state (its index in the plan); slot s begins at
  /// s * pageBytes. Null for a state of another kind.
  std::byte *pool(size_t state) const { return pools_[state]; }

  /// Makes the states of `to` those of `from`.
  void copy(uint32_t from, uint32_t to);
  /// All states of a sequence, layer after layer, in sequenceBytes() bytes.
  void save(uint32_t slot, std::byte *into) const;
  void load(uint32_t slot, const std::byte *from);

  /// Bytes of one sequence over all layers, and of all slots.
  uint64_t sequenceBytes() const { return sequenceBytes_; }

private:
  RecurrentStates() = default;

  uint32_t sequences_ = 0;
  uint64_t sequenceBytes_ = 0;
  std::shared_ptr<StateMemory> memory_;
  std::vector<std::byte *> pools_;  ///< [state of the plan]
  std::vector<uint64_t> slotBytes_; ///< [state of the plan] 0: another kind
};

} // namespace sinter

#endif // SINTER_RUNTIME_RECURRENTSTATES_H
