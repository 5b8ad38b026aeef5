/// Slots are plain memory; all that is known of them is their size.
#include "runtime/RecurrentStates.h"

#include <fmt/format.h>

#include <utility>

namespace sinter {

Result<RecurrentStates>
RecurrentStates::create(std::span<const PlanState> states, uint32_t sequences,
                        std::shared_ptr<StateMemory> memory) {
  RecurrentStates made;
  made.memory_ = std::move(memory);
  made.sequences_ = sequences;
  for (const PlanState &state : states) {
    uint64_t slot = state.kind == StateKind::Recurrent ? state.pageBytes : 0;
    made.slotBytes_.push_back(slot);
    made.sequenceBytes_ += slot;
    std::byte *&pool = made.pools_.emplace_back(nullptr);
    if (!slot)
      continue;
    Result<std::byte *> reserved = made.memory_->reserve(
        slot * sequences, // less than 2^64: a slot has at most 2^32 bytes
        fmt::format("the recurrent states of {} sequences", sequences));
    if (!reserved.ok())
      return reserved.status();
    pool = *reserved;
  }
  return made;
}

void RecurrentStates::copy(uint32_t from, uint32_t to) {
  if (from == to)
    return;
  for (size_t i = 0; i < pools_.size(); ++i)
    if (uint64_t bytes = slotBytes_[i])
      memory_->copy(pools_[i] + to * bytes, pools_[i] + from * bytes, bytes);
}

void RecurrentStates::save(uint32_t slot, std::byte *into) const {
  for (size_t i = 0; i < pools_.size(); ++i)
    if (uint64_t bytes = slotBytes_[i]) {
      memory_->read(into, pools_[i] + slot * bytes, bytes);
      into += bytes;
    }
}

void RecurrentStates::load(uint32_t slot, const std::byte *from) {
  for (size_t i = 0; i < pools_.size(); ++i)
    if (uint64_t bytes = slotBytes_[i]) {
      memory_->write(pools_[i] + slot * bytes, from, bytes);
      from += bytes;
    }
}

} // namespace sinter
