/// The tokens of one step.
#ifndef SINTER_RUNTIME_STEPINPUT_H
#define SINTER_RUNTIME_STEPINPUT_H

#include <cstdint>
#include <span>

namespace sinter {

/// Tokens of one sequence are adjacent and continue it.
struct StepInput {
  std::span<const int32_t> tokens;    ///< [T] ids
  std::span<const int32_t> positions; ///< [T] in its sequence
  std::span<const int32_t> slots;     ///< [T] sequence, from 0
  std::span<const int32_t> outputs;   ///< rows of [0, T) wanted, ascending
};

/// A run of equal slots is one sequence; one past its last token.
inline size_t sequenceEnd(std::span<const int32_t> slots, size_t begin) {
  size_t end = begin + 1;
  while (end < slots.size() && slots[end] == slots[begin])
    ++end;
  return end;
}

} // namespace sinter

#endif // SINTER_RUNTIME_STEPINPUT_H
