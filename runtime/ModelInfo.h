/// Tells what a compiled model is, what memory it takes, and which
/// optimisations took effect.
#ifndef SINTER_RUNTIME_MODELINFO_H
#define SINTER_RUNTIME_MODELINFO_H

#include "runtime/Artifact.h"
#include "runtime/JsonText.h"
#include "runtime/Session.h"

#include <cstdint>
#include <string>

namespace sinter {

/// Bytes of memory by what they are for.
struct MemoryUse {
  uint64_t weights = 0;         ///< mapped from the file
  uint64_t arena = 0;           ///< activations of the largest regime
  uint64_t logits = 0;          ///< rows of logits of the largest step
  uint64_t cachePerToken = 0;   ///< KV cache, layers without a window
  uint64_t cacheForContext = 0; ///< KV cache of one full context, all layers
  uint64_t recurrent = 0;       ///< recurrent states of one sequence
};

MemoryUse memoryUse(const Plan &plan, uint32_t contextLength);

/// "model", "target", "memory", "session", and the manifest and report as the
/// compiler wrote them.
Json describeModel(const Artifact &artifact, const Session &session);

/// The same as text for a terminal, with the report's fusions as a table.
std::string modelText(const Artifact &artifact, const Session &session);

/// "f16", "q8_0": what `compile --kv-cache` calls it.
const char *elementName(StateElement element);

/// "1.50 GiB", "12.0 MiB", "512 B".
std::string byteText(uint64_t bytes);

/// A device's counters by name.
Json countersJson(const DeviceCounters &counters);

} // namespace sinter

#endif // SINTER_RUNTIME_MODELINFO_H
