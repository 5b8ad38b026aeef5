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

/// One processor of each physical core, ascending.
std::vector<int>
oneOfEachCore(const std::vector<int> &processors,
              const std::string &sysfs = "/sys/devices/system/cpu");

/// Processors' worth of time that cgroup v2 lets this process have, rounded up:
/// the least quota of `cpu.max` from the process's own group, which `groups` (a
/// /proc/self/cgroup) names, up to the root of `mount`. INT_MAX without one.
int quotaProcessors(const std::string &groups = "/proc/self/cgroup",
                    const std::string &mount = "/sys/fs/cgroup");

/// One thread per allowed physical core, within quota and kMaxThreads.
int defaultThreads();

} // namespace sinter

#endif // SINTER_RUNTIME_CPU_TOPOLOGY_H
