/// The 16-entry codebooks, each shared by two formats.
#ifndef SINTER_DIALECTS_FORMATS_CODEBOOKS_H
#define SINTER_DIALECTS_FORMATS_CODEBOOKS_H

#include <array>
#include <cstdint>

namespace sinter {

/// IQ4_NL and IQ4_XS: ggml's non-linear 4-bit levels.
inline constexpr std::array<int8_t, 16> kNonLinear4 = {
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/// MXFP4 and NVFP4: FP4 E2M1 of the OCP MX specification, doubled to make the
/// entries integers. Code 8 is -0 there; its sign is dropped, as in ggml.
inline constexpr std::array<int8_t, 16> kFp4Doubled = {
    0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

} // namespace sinter

#endif // SINTER_DIALECTS_FORMATS_CODEBOOKS_H
