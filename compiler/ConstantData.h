/// Numbers that the compiler works out once: joined vectors as float32, rotary
/// frequencies, tensor scales.
#ifndef SINTER_COMPILER_CONSTANTDATA_H
#define SINTER_COMPILER_CONSTANTDATA_H

#include "dialects/tile/Tile.h"
#include "frontends/gguf/GgufModel.h"

#include <span>
#include <vector>

namespace sinter {

/// The bytes of a weight in the model's file.
std::span<const std::byte> weightBytes(const GgufModel &file, WeightOp weight);

/// All weights of `weight`, exact, as float32.
std::vector<float> weightValues(const GgufModel &file, WeightOp weight);

/// Inverse frequencies of the pairs of one head, radians per position:
/// base^(-2i/width), divided by `factors`[i] if given (as many as pairs),
/// then divided by the linear factor or scaled by YaRN (arXiv 2309.00071).
std::vector<float> ropeFrequencies(RopeAttr rope,
                                   std::span<const float> factors);

} // namespace sinter

#endif // SINTER_COMPILER_CONSTANTDATA_H
