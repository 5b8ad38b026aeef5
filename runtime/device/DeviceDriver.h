/// The few things that a session asks of a device: a GPU through its driver, or
/// one that this processor plays.
#ifndef SINTER_RUNTIME_DEVICE_DEVICEDRIVER_H
#define SINTER_RUNTIME_DEVICE_DEVICEDRIVER_H

#include "runtime/Artifact.h"
#include "runtime/ArtifactFormat.h"
#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sinter {

/// A kernel over blocks of items [0, blocks).
struct DeviceLaunch {
  void *kernel; ///< from loadKernels()
  uint32_t blocks;
  uint32_t threads;       ///< of a block
  uint32_t dynamicShared; ///< bytes of a block
  bool padded;            ///< there may be more blocks than the step has items
  bool early;             ///< may begin before the launch before it has ended
  void *const *operands;  ///< by value: as many as the kernel takes
  const Batch *batch;     ///< on the device
};

/// Everything is done in the order of the calls, none of which need wait:
/// synchronize() does. All memory is given back when this goes.
class DeviceDriver {
public:
  virtual ~DeviceDriver() = default;

  /// "GPU 0, NVIDIA H200".
  virtual std::string name() const = 0;
  virtual int threads() const = 0;
  /// Whether it does anything about DeviceLaunch::early.
  virtual bool beginsEarly() const { return false; }

  /// All kernels of a plan, in its order. Errors: CorruptData, Unsupported.
  virtual Result<std::vector<void *>>
  loadKernels(const ArtifactTarget &target) = 0;

  /// Device memory; `what` it is for. Errors: ResourceExhausted, with a table
  /// of what took how much.
  virtual Result<std::byte *> allocate(uint64_t bytes,
                                       const std::string &what) = 0;
  /// Gives back what allocate() gave, once all that uses it is done.
  virtual void free(std::byte *memory) = 0;
  /// Bytes that are left to allocate(); 0 where that has no limit of its own.
  virtual uint64_t freeBytes() const { return 0; }
  /// Memory of this process that the device reads and writes by itself.
  virtual Result<std::byte *> allocatePinned(uint64_t bytes) = 0;
  virtual void freePinned(std::byte *memory) = 0;
  /// Where the device finds memory of this process that outlives this; null
  /// where it has memory of its own, which is faster.
  virtual std::byte *useInPlace(std::span<const std::byte> memory,
                                const std::string &what) = 0;
  /// Calls of the above so far.
  virtual uint64_t allocations() const = 0;

  /// `from`, and `to` of copyOut(), if pinned, belong to the device until it
  /// is waited for.
  virtual Status copyIn(std::byte *to, const std::byte *from,
                        uint64_t bytes) = 0;
  virtual Status copyOut(std::byte *to, const std::byte *from,
                         uint64_t bytes) = 0;
  virtual Status copy(std::byte *to, const std::byte *from, uint64_t bytes) = 0;
  virtual Status zero(std::byte *at, uint64_t bytes) = 0;
  virtual Status launch(const DeviceLaunch &launch) = 0;

  /// Marks this point; wait() returns when all before it is done. There are
  /// two events, 0 and 1.
  virtual Status record(unsigned event) = 0;
  virtual Status wait(unsigned event) = 0;

  /// Launches between the two are kept, not run; launchGraph() runs them.
  virtual Status beginGraph() = 0;
  virtual Result<void *> endGraph() = 0;
  virtual Status launchGraph(void *graph) = 0;

  /// Errors: Internal when something since the last call has failed.
  virtual Status synchronize() = 0;
};

} // namespace sinter

#endif // SINTER_RUNTIME_DEVICE_DEVICEDRIVER_H
