/// A GPU that this processor plays: kernels are compiled by its compiler, and
/// accesses outside the session's buffers end a step with a message.
#ifndef SINTER_RUNTIME_DEVICE_EMULATEDDRIVER_H
#define SINTER_RUNTIME_DEVICE_EMULATEDDRIVER_H

#include "runtime/device/DeviceDriver.h"

#include <memory>

namespace sinter {

/// Blocks are divided among `threads` threads (0: one for each core). Errors:
/// those of ThreadPool.
Result<std::unique_ptr<DeviceDriver>> createEmulatedDriver(int threads);

} // namespace sinter

#endif // SINTER_RUNTIME_DEVICE_EMULATEDDRIVER_H
