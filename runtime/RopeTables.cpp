/// RoPE as in arXiv:2104.09864, with the frequencies given by the compiler.
#include "runtime/RopeTables.h"

#include <cmath>

namespace sinter {

/// What sharpens the attention of far positions; exactly 1 without.
static double temperatureAt(int32_t position, const PlanRopeTable &rope) {
  int64_t lengths = int64_t(position) / rope.temperatureLength;
  return 1 + rope.temperature * std::log1p(static_cast<double>(lengths));
}

void fillRopeTable(std::span<const int32_t> positions,
                   const PlanRopeTable &rope, const float *frequencies,
                   float *table) {
  size_t pairs = rope.pairs;
  for (int32_t position : positions) {
    double factor = rope.magnitude * temperatureAt(position, rope);
    for (size_t i = 0; i < pairs; ++i) {
      double angle = static_cast<double>(position) * frequencies[i];
      table[i] = static_cast<float>(std::cos(angle) * factor);
      table[pairs + i] = static_cast<float>(std::sin(angle) * factor);
    }
    table += 2 * pairs;
  }
}

void fillRopeTable(std::span<const int32_t> positions,
                   const PlanRopeTable &rope,
                   std::span<const std::byte> weights, uint32_t contextLength,
                   std::byte *table) {
  const auto *frequencies =
      reinterpret_cast<const float *>(weights.data() + rope.frequencies);
  if (rope.longFrom != 0 && contextLength > rope.longFrom)
    frequencies += rope.pairs;
  fillRopeTable(positions, rope, frequencies, reinterpret_cast<float *>(table));
}

} // namespace sinter
