/// Finds how many threads are worth starting on this machine.
#ifndef SINTER_RUNTIME_CPU_TOPOLOGY_H
#define SINTER_RUNTIME_CPU_TOPOLOGY_H

#include <string>
#include <vector>

namespace sinter {

/// The processors this process may run on, ascending.
std::vector<int> allowedProcessors();

/// Physical cores among `processors`: those that share a core, as
/// `sysfs`/cpu<N>/topology says, count once. At least 1.
int physicalCores(const std::vector<int> &processors,
                  const std::string &sysfs = "/sys/devices/system/cpu");

/// One thread per allowed physical core.
int defaultThreads();

} // namespace sinter

#endif // SINTER_RUNTIME_CPU_TOPOLOGY_H
