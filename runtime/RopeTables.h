/// Computes the rotary angles of a step's tokens, once for all layers.
#ifndef SINTER_RUNTIME_ROPETABLES_H
#define SINTER_RUNTIME_ROPETABLES_H

#include "runtime/ArtifactFormat.h"

#include <cstdint>
#include <span>

namespace sinter {

/// Writes, for each position (from 0), cos[pairs] then sin[pairs] of
/// position * frequencies[i], both times the magnitude and the temperature of
/// `rope`. The angle is formed in double precision: a float angle of a far
/// position has lost its fraction.
void fillRopeTable(std::span<const int32_t> positions,
                   const PlanRopeTable &rope, const float *frequencies,
                   float *table);

} // namespace sinter

#endif // SINTER_RUNTIME_ROPETABLES_H
