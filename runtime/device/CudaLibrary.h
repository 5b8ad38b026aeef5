/// The functions of NVIDIA's driver that we use, found at run time: nothing of
/// CUDA is needed to build. Types and numbers are those of its driver API's
/// reference manual.
#ifndef SINTER_RUNTIME_DEVICE_CUDALIBRARY_H
#define SINTER_RUNTIME_DEVICE_CUDALIBRARY_H

#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>

namespace sinter::cuda {

using Pointer = unsigned long long; ///< of the device
using Handle = void *; ///< context, module, function, stream, event, graph

inline constexpr int kOutOfMemory = 2;
inline constexpr int kNoDevice = 100;
inline constexpr int kInvalidDevice = 101;

/// An attribute of a launch: number and value, which has 64 bytes.
struct LaunchAttribute {
  int number = 0;
  int zero = 0;
  int value[16] = {};
};
static_assert(sizeof(LaunchAttribute) == 72);

struct LaunchConfig {
  unsigned gridX, gridY, gridZ, blockX, blockY, blockZ;
  unsigned sharedBytes;
  Handle stream;
  LaunchAttribute *attributes;
  unsigned attributeCount;
};
static_assert(sizeof(LaunchConfig) == 56);

/// All return 0 on success.
struct Library {
  int (*init)(unsigned flags) = nullptr;
  int (*driverVersion)(int *version) = nullptr;
  int (*errorName)(int code, const char **name) = nullptr;
  int (*errorString)(int code, const char **text) = nullptr;
  int (*deviceCount)(int *count) = nullptr;
  int (*deviceGet)(int *device, int ordinal) = nullptr;
  int (*deviceName)(char *name, int bytes, int device) = nullptr;
  int (*deviceAttribute)(int *value, int attribute, int device) = nullptr;
  int (*contextRetain)(Handle *context, int device) = nullptr;
  int (*contextRelease)(int device) = nullptr;
  int (*contextSet)(Handle context) = nullptr;
  int (*memoryInfo)(size_t *free, size_t *total) = nullptr;
  int (*allocate)(Pointer *memory, size_t bytes) = nullptr;
  int (*free)(Pointer memory) = nullptr;
  int (*allocateHost)(void **memory, size_t bytes) = nullptr;
  int (*freeHost)(void *memory) = nullptr;
  int (*hostRegister)(void *memory, size_t bytes, unsigned flags) = nullptr;
  int (*hostUnregister)(void *memory) = nullptr;
  int (*hostPointer)(Pointer *device, void *memory, unsigned flags) = nullptr;
  int (*copyIn)(Pointer to, const void *from, size_t bytes,
                Handle stream) = nullptr;
  int (*copyOut)(void *to, Pointer from, size_t bytes, Handle stream) = nullptr;
  int (*copy)(Pointer to, Pointer from, size_t bytes, Handle stream) = nullptr;
  int (*fill)(Pointer at, unsigned char value, size_t bytes,
              Handle stream) = nullptr;
  int (*streamCreate)(Handle *stream, unsigned flags) = nullptr;
  int (*streamDestroy)(Handle stream) = nullptr;
  int (*streamWait)(Handle stream) = nullptr;
  int (*eventCreate)(Handle *event, unsigned flags) = nullptr;
  int (*eventDestroy)(Handle event) = nullptr;
  int (*eventRecord)(Handle event, Handle stream) = nullptr;
  int (*eventWait)(Handle event) = nullptr;
  int (*moduleLoad)(Handle *module, const void *image) = nullptr;
  int (*moduleUnload)(Handle module) = nullptr;
  int (*moduleFunction)(Handle *function, Handle module,
                        const char *name) = nullptr;
  int (*functionSet)(Handle function, int attribute, int value) = nullptr;
  int (*launch)(Handle function, unsigned gridX, unsigned gridY, unsigned gridZ,
                unsigned blockX, unsigned blockY, unsigned blockZ,
                unsigned sharedBytes, Handle stream, void **parameters,
                void **extra) = nullptr;
  /// Null in drivers that do not have it.
  int (*launchWith)(const LaunchConfig *config, Handle function,
                    void **parameters, void **extra) = nullptr;
  int (*captureBegin)(Handle stream, int mode) = nullptr;
  int (*captureEnd)(Handle stream, Handle *graph) = nullptr;
  int (*graphInstantiate)(Handle *executable, Handle graph,
                          unsigned long long flags) = nullptr;
  int (*graphLaunch)(Handle executable, Handle stream) = nullptr;
  int (*graphDestroy)(Handle graph) = nullptr;
  int (*graphExecutableDestroy)(Handle executable) = nullptr;
};

/// libcuda.so.1, or what SINTER_CUDA names; opened once. Errors: Unsupported,
/// saying what to do.
Result<const Library *> openLibrary();

/// A status for what a function returned, `doing` something.
Status statusOf(const Library &library, int code, const char *doing);

} // namespace sinter::cuda

#endif // SINTER_RUNTIME_DEVICE_CUDALIBRARY_H
