/// CUDA C++ of one tile kernel: the type that lists what its skeleton in
/// prelude/ leaves open, and the entry that names both.
#ifndef SINTER_CODEGEN_CUDA_KERNELTEXT_H
#define SINTER_CODEGEN_CUDA_KERNELTEXT_H

#include "dialects/formats/Format.h"
#include "dialects/tile/Tile.h"

#include "mlir/IR/BuiltinOps.h"
#include "llvm/Support/Error.h"

#include <string>
#include <vector>

namespace sinter::cuda {

struct KernelText {
  std::string name;
  std::string threads;  ///< of a block: a constant of the prelude
  std::string skeleton; ///< function template of the prelude, `gemm`
  std::string shape;    ///< members of the type that it is given
  /// What of a step its items are: arguments of the prelude's hasItem().
  std::string items = "ItemDimension::One, 1, 1";
  /// Whether it may begin before the kernel before it has ended, and what it
  /// does until then (prelude/EarlyBegin.cuh).
  bool early = false;
  std::string ahead = "nothingAhead";
  unsigned operands = 0; ///< addresses that a launch passes
  /// Bytes of shared memory that a launch gives each block, beyond what the
  /// text declares: what is over 48 KiB must be asked for so.
  unsigned dynamicShared = 0;
  /// Blocks of a multiprocessor that are enough: ptxas spills what would leave
  /// room for no more. 0: as many as it likes.
  unsigned enoughBlocks = 0;
  const Format *lattice = nullptr; ///< grid format whose points it reads
};

/// Errors say what the kernel's class asks for that no skeleton has.
llvm::Expected<KernelText> printKernel(tile::KernelOp kernel);

/// Those of a module, in its order, and behind them what no launch calls.
/// Errors name the kernel.
llvm::Expected<std::vector<KernelText>> printKernels(mlir::ModuleOp module);

/// A member `Format`: the places of a weight format's parts.
llvm::Expected<std::string> printFormat(llvm::StringRef name);

/// The points of a grid format, as its members name them.
std::string printLattice(const Format &format);

/// A member `apply`: the kernel's hole, or its first argument without one.
llvm::Expected<std::string> printBody(mlir::Region &body, unsigned arguments);

/// A float32 literal that is read back exactly.
std::string printFloat(double value);

} // namespace sinter::cuda

#endif // SINTER_CODEGEN_CUDA_KERNELTEXT_H
