/// NVIDIA's run-time compiler, opened when it is needed: the project builds,
/// and compiles for everything else, without it.
#ifndef SINTER_CODEGEN_CUDA_NVRTC_H
#define SINTER_CODEGEN_CUDA_NVRTC_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <string>

namespace sinter::cuda {

/// What NVRTC made of a text for one target.
struct DeviceCode {
  std::string ptx;
  std::string cubin; ///< ELF with the target's machine code
  std::string log;   ///< of ptxas: registers, spills, shared memory
};

/// "NVRTC 13.0"; empty where there is none.
std::string compilerName();

/// Compiles CUDA C++ for a target such as "sm_121a", or to PTX alone for one
/// such as "compute_90". The same text, target and
/// NVRTC are compiled once: results are kept in ~/.cache/sinter/nvrtc (below
/// XDG_CACHE_HOME, if that is set). May be called by several threads. Errors:
/// no NVRTC here, with what to do, and what it says of the text.
llvm::Expected<DeviceCode> compileDevice(llvm::StringRef source,
                                         llvm::StringRef target);

} // namespace sinter::cuda

#endif // SINTER_CODEGEN_CUDA_NVRTC_H
