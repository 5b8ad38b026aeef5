/// Measures what this machine can do at most, so that a benchmark can say how
/// near a model comes to it.
#ifndef SINTER_RUNTIME_CPU_MACHINEPROBE_H
#define SINTER_RUNTIME_CPU_MACHINEPROBE_H

#include "runtime/Status.h"
#include "runtime/cpu/ThreadPool.h"

namespace sinter {

/// All threads of the pool together, per second. Products are multiply-adds.
struct MachineLimits {
  double readBytes = 0;     ///< from 128 MiB for each thread
  double byteProducts = 0;  ///< 8-bit, with the best instruction there is
  double bf16Products = 0;  ///< vdpbf16ps; 0 without it
  double floatProducts = 0; ///< float32 multiply-adds
};

/// Takes about a third of a second; each figure is the best of several runs.
/// Errors: ResourceExhausted when there is no memory to read.
Result<MachineLimits> probeMachine(ThreadPool &pool);

} // namespace sinter

#endif // SINTER_RUNTIME_CPU_MACHINEPROBE_H
