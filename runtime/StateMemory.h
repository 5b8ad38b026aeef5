/// Where caches and recurrent states lie: in this process, or on a device.
#ifndef SINTER_RUNTIME_STATEMEMORY_H
#define SINTER_RUNTIME_STATEMEMORY_H

#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace sinter {

/// Memory whose addresses kernels use. Each call is seen by the launches after
/// it and sees what those before it wrote. A device that fails tells it by
/// problem() and at the next step.
class StateMemory {
public:
  virtual ~StateMemory() = default;

  /// `bytes` that are zero, kept until this goes. Errors: ResourceExhausted,
  /// saying `what` there is no room for.
  virtual Result<std::byte *> reserve(uint64_t bytes,
                                      const std::string &what) = 0;
  virtual void zero(std::byte *at, uint64_t bytes) = 0;
  virtual void copy(std::byte *to, const std::byte *from, uint64_t bytes) = 0;
  /// To and from this process's memory.
  virtual void read(std::byte *into, const std::byte *from,
                    uint64_t bytes) const = 0;
  virtual void write(std::byte *to, const std::byte *from, uint64_t bytes) = 0;
  /// What a device failed in first.
  virtual Status problem() const { return {}; }
};

/// This process's: taken page by page as it is touched.
std::shared_ptr<StateMemory> hostMemory();

} // namespace sinter

#endif // SINTER_RUNTIME_STATEMEMORY_H
