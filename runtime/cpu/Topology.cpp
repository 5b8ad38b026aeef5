/// A second hardware thread of a core adds nothing to vector arithmetic, and
/// slows every barrier, so cores are counted and not processors.
#include "runtime/cpu/Topology.h"

#include "runtime/cpu/ThreadPool.h"

#include <fmt/format.h>

#include <algorithm>
#include <climits>
#include <cstdint>
#include <fstream>
#include <sched.h>
#include <set>
#include <utility>

namespace sinter {

/// Large enough for any machine the kernel supports today (NR_CPUS).
static constexpr int kMaxProcessors = 8192;

std::vector<int> allowedProcessors() {
  std::vector<int> processors;
  cpu_set_t *set = CPU_ALLOC(kMaxProcessors);
  if (!set)
    return {0};
  size_t bytes = CPU_ALLOC_SIZE(kMaxProcessors);
  if (sched_getaffinity(0, bytes, set) == 0)
    for (int i = 0; i < kMaxProcessors; ++i)
      if (CPU_ISSET_S(i, bytes, set))
        processors.push_back(i);
  CPU_FREE(set);
  return processors.empty() ? std::vector<int>{0} : processors;
}

/// The number in a file, or `otherwise` when there is none.
static int readNumber(const std::string &path, int otherwise) {
  std::ifstream file(path);
  int number;
  return file >> number ? number : otherwise;
}

std::vector<int> oneOfEachCore(const std::vector<int> &processors,
                               const std::string &sysfs) {
  std::set<std::pair<int, int>> cores;
  std::vector<int> first;
  for (int processor : processors) {
    std::string folder = fmt::format("{}/cpu{}/topology/", sysfs, processor);
    int package = readNumber(folder + "physical_package_id", -1);
    // Without topology every processor is a core of its own.
    int core = readNumber(folder + "core_id", -2 - processor);
    if (cores.emplace(package, core).second)
      first.push_back(processor);
  }
  return first;
}

int physicalCores(const std::vector<int> &processors,
                  const std::string &sysfs) {
  return std::max(1, static_cast<int>(oneOfEachCore(processors, sysfs).size()));
}

/// The quota of one group: "200000 100000" is 2 processors, "max 100000" none.
static int groupQuota(const std::string &folder) {
  std::ifstream file(folder + "/cpu.max");
  int64_t quota, period;
  if (!(file >> quota >> period) || quota <= 0 || period <= 0)
    return INT_MAX;
  int64_t whole = quota / period + (quota % period != 0);
  return static_cast<int>(std::min<int64_t>(whole, INT_MAX));
}

int quotaProcessors(const std::string &groups, const std::string &mount) {
  std::ifstream file(groups);
  std::string line, group;
  while (std::getline(file, line))
    if (line.starts_with("0::/")) // the hierarchy of version 2
      group = line.substr(3);
  int least = groupQuota(mount);
  for (; group.size() > 1; group.resize(group.rfind('/')))
    least = std::min(least, groupQuota(mount + group));
  return least;
}

int defaultThreads() {
  return std::min(
      {physicalCores(allowedProcessors()), quotaProcessors(), kMaxThreads});
}

} // namespace sinter
