/// Computes the rotary angles of a step's tokens, once for all layers.
#ifndef SINTER_RUNTIME_ROPETABLES_H
#define SINTER_RUNTIME_ROPETABLES_H

#include <cstdint>
#include <span>

namespace sinter {

/// Writes, for each position, cos[pairs] then sin[pairs] of
/// position * frequencies[i], both times `magnitude`. The angle is formed in
/// double precision: a float angle of a far position has lost its fraction.
void fillRopeTable(std::span<const int32_t> positions,
                   std::span<const float> frequencies, float magnitude,
                   float *table);

} // namespace sinter

#endif // SINTER_RUNTIME_ROPETABLES_H
