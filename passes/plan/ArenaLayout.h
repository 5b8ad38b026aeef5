/// Places buffers with lifetimes in one arena: arithmetic without IR, so that
/// it can be tested alone.
#ifndef SINTER_PASSES_PLAN_ARENALAYOUT_H
#define SINTER_PASSES_PLAN_ARENALAYOUT_H

#include <cstdint>
#include <vector>

namespace sinter {

/// A buffer that is alive from launch `first` to launch `last`, both included.
struct Lifetime {
  uint64_t bytes = 0;
  uint32_t first = 0, last = 0;
};

struct ArenaLayout {
  std::vector<uint64_t> offsets; ///< one per buffer
  uint64_t bytes = 0;            ///< of the whole arena
};

/// In order of first use (of equal ones, the larger first), each buffer goes
/// to the smallest gap that is free all its life; offsets are multiples of 64
/// if the sizes are.
ArenaLayout layOut(const std::vector<Lifetime> &buffers);

} // namespace sinter

#endif // SINTER_PASSES_PLAN_ARENALAYOUT_H
