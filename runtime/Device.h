/// What a model is to run on.
#ifndef SINTER_RUNTIME_DEVICE_H
#define SINTER_RUNTIME_DEVICE_H

#include "runtime/Status.h"

#include <string_view>

namespace sinter {

enum class DeviceKind {
  Auto,      ///< a GPU if the file is for one that is here, else the processor
  Processor, ///< this one
  Gpu,
  Emulated, ///< a GPU played by this processor: slow, faults are found
};

struct Device {
  DeviceKind kind = DeviceKind::Auto;
  int gpu = 0;        ///< as the driver counts them
  bool graphs = true; ///< replay captured launches
  bool early = true;  ///< kernels may begin before those before them end
};

/// Reads "auto", "cpu", "emulated", or the number of a GPU into kind and gpu.
/// Errors: InvalidArgument.
Status parseDevice(std::string_view text, Device &device);

} // namespace sinter

#endif // SINTER_RUNTIME_DEVICE_H
