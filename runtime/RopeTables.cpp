/// RoPE as in arXiv:2104.09864, with the frequencies given by the compiler.
#include "runtime/RopeTables.h"

#include <cmath>

namespace sinter {

void fillRopeTable(std::span<const int32_t> positions,
                   std::span<const float> frequencies, float magnitude,
                   float *table) {
  size_t pairs = frequencies.size();
  for (int32_t position : positions) {
    for (size_t i = 0; i < pairs; ++i) {
      double angle = static_cast<double>(position) * frequencies[i];
      table[i] = static_cast<float>(std::cos(angle) * magnitude);
      table[pairs + i] = static_cast<float>(std::sin(angle) * magnitude);
    }
    table += 2 * pairs;
  }
}

} // namespace sinter
