/// Computes the rotary angles of a step's tokens, once for all layers.
#ifndef SINTER_RUNTIME_ROPETABLES_H
#define SINTER_RUNTIME_ROPETABLES_H

#include "runtime/ArtifactFormat.h"

#include <cstddef>
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

/// The same with the frequencies that a plan's weights hold for `rope` and a
/// session of that context.
void fillRopeTable(std::span<const int32_t> positions,
                   const PlanRopeTable &rope,
                   std::span<const std::byte> weights, uint32_t contextLength,
                   std::byte *table);

} // namespace sinter

#endif // SINTER_RUNTIME_ROPETABLES_H
