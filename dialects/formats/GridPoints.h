/// The lattices that grid formats number (Format.h: CanonicalForm::points).
#ifndef SINTER_DIALECTS_FORMATS_GRIDPOINTS_H
#define SINTER_DIALECTS_FORMATS_GRIDPOINTS_H

#include <array>
#include <cstdint>

namespace sinter {

// Points of eight weights.
extern const std::array<uint16_t, 256> kIq2XxsPoints;
extern const std::array<uint16_t, 512> kIq2XsPoints;
extern const std::array<uint16_t, 1024> kIq2SPoints;
extern const std::array<uint16_t, 2048> kIq1Points;
// Points of four.
extern const std::array<uint16_t, 256> kIq3XxsPoints;
extern const std::array<uint16_t, 512> kIq3SPoints;

} // namespace sinter

#endif // SINTER_DIALECTS_FORMATS_GRIDPOINTS_H
