/// Slots are plain memory; all that is known of them is their size.
#include "runtime/RecurrentStates.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

namespace sinter {

Result<RecurrentStates>
RecurrentStates::create(std::span<const PlanState> states, uint32_t sequences) {
  RecurrentStates made;
  made.sequences_ = sequences;
  for (const PlanState &state : states) {
    uint64_t slot = state.kind == StateKind::Recurrent ? state.pageBytes : 0;
    made.slotBytes_.push_back(slot);
    made.sequenceBytes_ += slot;
    MappedMemory &pool = made.pools_.emplace_back();
    if (!slot)
      continue;
    Result<MappedMemory> memory = MappedMemory::reserve(
        slot * sequences, // less than 2^64: a slot has at most 2^32 bytes
        fmt::format("the recurrent states of {} sequences", sequences));
    if (!memory.ok())
      return memory.status();
    pool = std::move(*memory);
  }
  return made;
}

void RecurrentStates::copy(uint32_t from, uint32_t to) {
  if (from == to)
    return;
  for (size_t i = 0; i < pools_.size(); ++i)
    if (uint64_t bytes = slotBytes_[i])
      std::memcpy(pools_[i].data() + to * bytes,
                  pools_[i].data() + from * bytes, bytes);
}

void RecurrentStates::save(uint32_t slot, std::byte *into) const {
  for (size_t i = 0; i < pools_.size(); ++i)
    if (uint64_t bytes = slotBytes_[i]) {
      std::memcpy(into, pools_[i].data() + slot * bytes, bytes);
      into += bytes;
    }
}

void RecurrentStates::load(uint32_t slot, const std::byte *from) {
  for (size_t i = 0; i < pools_.size(); ++i)
    if (uint64_t bytes = slotBytes_[i]) {
      std::memcpy(pools_[i].data() + slot * bytes, from, bytes);
      from += bytes;
    }
}

} // namespace sinter
