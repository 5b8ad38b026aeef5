/// What a report says of a model's layers, brought together: the fusions that
/// fired in each, and its launches.
#ifndef SINTER_RUNTIME_EXPLAINLAYERS_H
#define SINTER_RUNTIME_EXPLAINLAYERS_H

#include "runtime/JsonText.h"

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

namespace sinter {

/// Kinds of steps that are shown; the compiler writes two or three.
inline constexpr size_t kMostSteps = 8;

/// One launch, with its kernels and its time in each kind of step; no time in
/// one that does without it.
struct ExplainedLaunch {
  std::string label;
  double bytes = 0, products = 0; ///< in the first step
  std::vector<std::string> kernels;
  std::vector<std::optional<double>> seconds;

  /// The kernels of all steps as one: "matmul_q8_0_n256_k256[_gemv]" where few
  /// tokens have a form of their own, "a, b" where they have no name in common.
  std::string kernelText() const;
};

struct ExplainedLayer {
  std::string name;
  std::string fusions; ///< what fired and what was refused, without the name
  std::vector<ExplainedLaunch> launches;
};

/// The layers of a report's keys "steps" and "layers", in the order in which a
/// step comes by. What is missing or of another type is left out.
std::vector<ExplainedLayer> explainedLayers(const Json &report);

/// Layers that differ in their names and times alone, by their places; groups
/// in the order of their first.
std::vector<std::vector<size_t>>
alikeLayers(const std::vector<ExplainedLayer> &layers);

/// "blk.0 .. blk.2, blk.4 (4 alike)".
std::string namesOf(const std::vector<ExplainedLayer> &layers,
                    const std::vector<size_t> &alike);

} // namespace sinter

#endif // SINTER_RUNTIME_EXPLAINLAYERS_H
