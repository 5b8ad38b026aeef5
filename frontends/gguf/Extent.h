/// Sizes of a model together with where they came from, so that a message can
/// say why a tensor should have another shape.
#ifndef SINTER_FRONTENDS_GGUF_EXTENT_H
#define SINTER_FRONTENDS_GGUF_EXTENT_H

#include <cstdint>
#include <string>

namespace sinter {

/// The largest size that a key or a tensor's dimension may have.
inline constexpr int64_t kLargestSize = INT32_MAX;

/// A size of the model, 1 to kLargestSize, or what follows from several; and
/// the formula in terms of keys that it came from, for messages and
/// descriptions. Sizes from a hostile file overflow nothing: a product or sum
/// that no tensor can have stays at one such size.
struct Extent {
  int64_t value = 1;
  std::string formula;
};

Extent operator*(const Extent &left, const Extent &right);
/// Left by right, where it goes without rest; else rounded down.
Extent operator/(const Extent &left, const Extent &right);
Extent operator+(const Extent &left, const Extent &right);

/// As a person writes it: "10000", "1e-06".
std::string plainNumber(double number);

} // namespace sinter

#endif // SINTER_FRONTENDS_GGUF_EXTENT_H
