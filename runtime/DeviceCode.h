/// The device code section: machine code for one GPU, and what each kernel
/// needs to be launched. The portable text of the same kernels is in the
/// kernels section.
///
///   | DeviceCodeHeader | DeviceKernel × n | images, each at a multiple of 16 |
///
/// Kernel n is that of the plan's table of kernels. An image holds one kernel.
#ifndef SINTER_RUNTIME_DEVICECODE_H
#define SINTER_RUNTIME_DEVICECODE_H

#include "runtime/Plan.h"
#include "runtime/Status.h"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace sinter {

struct DeviceCodeHeader {
  uint32_t capability;     ///< of the GPU, ten times major plus minor: 121
  uint32_t exact;          ///< 1: machine code for no other GPU ("sm_121a");
                           ///< 0: for later ones of the same major too
  uint32_t textCapability; ///< PTX runs on GPUs from here on; 0: there is none
  uint32_t kernels;        ///< as many as the plan has
  /// 1: each kernel waits by itself for the one before it, and may be launched
  /// to begin earlier (codegen/cuda/prelude/EarlyBegin.cuh).
  uint32_t early;
  uint32_t zero; ///< so that what follows is aligned
};
static_assert(sizeof(DeviceCodeHeader) == 24);

/// One kernel. Offsets are from the start of the section.
struct DeviceKernel {
  uint32_t threads;         ///< of a block, whole warps
  uint32_t operands;        ///< addresses that it takes by value
  uint32_t dynamicShared;   ///< bytes of a block that the launch adds
  uint32_t shared;          ///< bytes of a block that are always there
  uint32_t registers;       ///< of a thread
  uint32_t stack;           ///< bytes of a thread
  uint32_t spills;          ///< bytes of a thread, stored and loaded
  uint32_t residentWarps;   ///< of a multiprocessor, at most
  uint64_t code, codeBytes; ///< an ELF image ("cubin")
  uint64_t text, textBytes; ///< PTX with a zero at its end; 0, 0: none
};
static_assert(sizeof(DeviceKernel) == 64);

struct DeviceCode {
  DeviceCodeHeader header = {};
  std::vector<DeviceKernel> kernels;
  std::span<const std::byte> section; ///< where the images are

  std::span<const std::byte> code(size_t kernel) const {
    return section.subspan(kernels[kernel].code, kernels[kernel].codeBytes);
  }
  std::span<const std::byte> text(size_t kernel) const {
    return section.subspan(kernels[kernel].text, kernels[kernel].textBytes);
  }
};

/// What one kernel brings into a section.
struct DeviceImage {
  DeviceKernel kernel = {}; ///< without its offsets
  std::string code;         ///< cubin
  std::string text;         ///< PTX, or nothing
};

/// Which images a GPU can run.
enum class DeviceFit { None, Code, Text };

/// Of the images behind `header`, those for a GPU of this capability.
DeviceFit fitOf(const DeviceCodeHeader &header, uint32_t capability);

/// Reads and checks a section that belongs to `plan`; the result refers to its
/// bytes. Errors: CorruptData, naming kernel and field.
Result<DeviceCode> parseDeviceCode(std::span<const std::byte> section,
                                   const Plan &plan);

/// The bytes of a section; the header's count is that of the images.
std::vector<std::byte> serializeDeviceCode(DeviceCodeHeader header,
                                           std::span<const DeviceImage> images);

} // namespace sinter

#endif // SINTER_RUNTIME_DEVICECODE_H
