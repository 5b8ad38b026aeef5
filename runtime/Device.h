/// What kernels run on.
#ifndef SINTER_RUNTIME_DEVICE_H
#define SINTER_RUNTIME_DEVICE_H

namespace sinter {

enum class Device {
  Target,   ///< what the artifact was compiled for
  Emulated, ///< a GPU played by this processor: slow, races are found
};

} // namespace sinter

#endif // SINTER_RUNTIME_DEVICE_H
