/// Explains a compiled model to people: layer by layer which fusions took
/// effect, what a step moves and multiplies, and how long it should take.
#ifndef SINTER_RUNTIME_EXPLAINTEXT_H
#define SINTER_RUNTIME_EXPLAINTEXT_H

#include "runtime/JsonText.h"

#include <string>

namespace sinter {

/// Text of a report's keys "machine", "fusions", "steps", "layers" and
/// "kernels". What is missing or of another type is left out: a report may come
/// from a stranger or an older compiler. Layers that are alike share a block.
std::string explainText(const Json &report);

/// Those keys alone, for programs.
Json explainJson(const Json &report);

} // namespace sinter

#endif // SINTER_RUNTIME_EXPLAINTEXT_H
