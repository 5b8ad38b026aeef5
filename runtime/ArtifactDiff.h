/// What differs between two compiled models, from their own words: options,
/// fusions, kernels, launches, bytes, predicted times.
#ifndef SINTER_RUNTIME_ARTIFACTDIFF_H
#define SINTER_RUNTIME_ARTIFACTDIFF_H

#include "runtime/Artifact.h"
#include "runtime/JsonText.h"

#include <string>

namespace sinter {

/// {equal, differences: [{group, what, a, b}]}: `a` or `b` is null where only
/// the other has it. Two artifacts are equal if all their sections are.
Json diffArtifacts(const Artifact &a, const Artifact &b);

/// The same for people, a line for each difference, under their groups.
std::string diffText(const Json &diff);

} // namespace sinter

#endif // SINTER_RUNTIME_ARTIFACTDIFF_H
