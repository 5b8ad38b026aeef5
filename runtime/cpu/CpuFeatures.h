/// Says what this processor can execute, so that an artifact for another one
/// is refused with words instead of an illegal instruction.
#ifndef SINTER_RUNTIME_CPU_CPUFEATURES_H
#define SINTER_RUNTIME_CPU_CPUFEATURES_H

#include "runtime/Status.h"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sinter {

/// Whether this program knows the feature, by LLVM's name ("avx512vnni").
bool isKnownCpuFeature(std::string_view name);

/// Whether processor and operating system support it; false if unknown.
bool hasCpuFeature(std::string_view name);

/// All supported features, in the order of the table.
std::vector<std::string> cpuFeatures();

/// Unsupported, with the list of those that are missing or unknown.
Status checkCpuFeatures(std::span<const std::string> required);

} // namespace sinter

#endif // SINTER_RUNTIME_CPU_CPUFEATURES_H
