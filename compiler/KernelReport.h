/// What a report says of each kernel, read off the tile stage without knowing
/// its class, so that a new class needs nothing here.
#ifndef SINTER_COMPILER_KERNELREPORT_H
#define SINTER_COMPILER_KERNELREPORT_H

#include "runtime/LaunchCost.h"

#include "mlir/IR/BuiltinOps.h"

#include <string>
#include <vector>

namespace sinter {

struct KernelResult {
  std::string name;
  std::string skeleton; ///< class and shapes, as the IR prints them
  std::string kind;     ///< of the class: gemm, norm, attention ...
  std::string tile;     ///< "rowGroups = 4, tokens = 8"
  std::string reason;   ///< why that tile; empty where there is no choice
  bool tuned = false;   ///< measured on this machine, not from the rules
  uint64_t tokens = 0;  ///< of the largest step that calls it
  std::vector<std::string> candidates; ///< tiles that may be measured
  ProductUnit unit = ProductUnit::Float32;
  uint64_t rowBytes = 0; ///< activations read and written for each row
};

/// What machine code for a GPU needs of it (codegen/cuda/Resources.h).
struct KernelNeeds {
  std::string name;
  unsigned threads = 0;   ///< of a block
  unsigned registers = 0; ///< of a thread
  unsigned shared = 0;    ///< bytes of a block
  unsigned spills = 0;    ///< bytes of a thread
  unsigned stack = 0;     ///< likewise
  unsigned warps = 0;     ///< that a multiprocessor holds, and could hold
  unsigned mostWarps = 0;
  std::string obstacle; ///< why the GPU cannot run it, or not well
};

/// All kernels of a module with tiles, in order.
std::vector<KernelResult> describeKernels(mlir::ModuleOp module);

} // namespace sinter

#endif // SINTER_COMPILER_KERNELREPORT_H
