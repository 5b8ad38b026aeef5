/// Reads ptxas's log and applies the limits of the CUDA C++ Programming Guide.
#include "codegen/cuda/Resources.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/Regex.h"

#include <algorithm>

using llvm::StringRef;

namespace sinter {

/// A warp's registers are given out in runs of 256, shared memory in runs of
/// 128 bytes, and each block keeps 1 KiB of it for the system.
static constexpr unsigned kRegisterRun = 256, kSharedRun = 128,
                          kSharedSystem = 1024;

/// The number that `pattern` has in parentheses, where it is first found.
static std::optional<unsigned> numberIn(StringRef text, const char *pattern) {
  llvm::SmallVector<StringRef, 2> matches;
  unsigned number = 0;
  if (!llvm::Regex(pattern).match(text, &matches) ||
      matches[1].getAsInteger(10, number))
    return {};
  return number;
}

llvm::Expected<cuda::KernelResources>
cuda::resourcesOf(const KernelText &text, const DeviceCode &code) {
  auto registers = numberIn(code.log, "Used ([0-9]+) registers");
  auto threads = numberIn(code.ptx, "\\.maxntid ([0-9]+)");
  auto stack = numberIn(code.log, "([0-9]+) bytes stack frame");
  if (!registers || !threads || !stack)
    return llvm::createStringError(
        "kernel '%s': NVRTC does not tell what it needs: %s", text.name.c_str(),
        code.log.c_str());
  KernelResources kernel;
  kernel.name = text.name;
  kernel.dynamic = text.dynamicShared;
  kernel.registers = *registers;
  kernel.threads = *threads;
  kernel.stack = *stack;
  kernel.spills =
      numberIn(code.log, "([0-9]+) bytes spill stores").value_or(0) +
      numberIn(code.log, "([0-9]+) bytes spill loads").value_or(0);
  kernel.shared = numberIn(code.log, "([0-9]+) bytes smem").value_or(0);
  // C7510 and its neighbours, each with another reason.
  kernel.serialised = llvm::StringRef(code.log).contains(
      "wgmma.mma_async instructions are serialized");
  return kernel;
}

static unsigned roundUp(unsigned value, unsigned step) {
  return (value + step - 1) / step * step;
}

unsigned cuda::residentWarps(const KernelResources &kernel,
                             const CudaTarget &target) {
  unsigned warps = (kernel.threads + 31) / 32;
  unsigned registers =
      warps * roundUp(std::max(1u, kernel.registers) * 32, kRegisterRun);
  unsigned shared =
      roundUp(kernel.shared + kernel.dynamic + kSharedSystem, kSharedRun);
  unsigned blocks = std::min({target.blocksPerSm, target.warpsPerSm / warps,
                              target.registersPerSm / registers,
                              target.sharedPerSm / shared});
  return blocks * warps;
}

std::string cuda::obstacleOf(const KernelResources &kernel,
                             const CudaTarget &target) {
  if (unsigned shared = kernel.shared + kernel.dynamic;
      shared > target.sharedPerBlock)
    return llvm::formatv("needs {0} bytes of shared memory, a block has {1}",
                         shared, target.sharedPerBlock);
  if (residentWarps(kernel, target) == 0)
    return "no block fits a multiprocessor";
  if (kernel.spills)
    return llvm::formatv("spills {0} bytes", kernel.spills);
  if (kernel.serialised)
    return "its products of four warps are serialised";
  if (kernel.stack)
    return llvm::formatv("keeps {0} bytes on the stack", kernel.stack);
  return "";
}

std::string cuda::resourceTable(const std::vector<KernelResources> &kernels,
                                const CudaTarget &target) {
  size_t width = 6, wrong = 0;
  for (const KernelResources &kernel : kernels)
    width = std::max(width, kernel.name.size());
  auto padded = [&](std::string name) {
    name.resize(width, ' ');
    return name;
  };
  std::string text =
      llvm::formatv("{0} threads registers shared warps of {1}\n",
                    padded("kernel"), target.warpsPerSm);
  for (const KernelResources &kernel : kernels) {
    std::string obstacle = obstacleOf(kernel, target);
    wrong += !obstacle.empty();
    text += llvm::formatv(
        "{0} {1,7} {2,9} {3,6} {4,5}{5}{6}\n", padded(kernel.name),
        kernel.threads, kernel.registers, kernel.shared + kernel.dynamic,
        residentWarps(kernel, target), obstacle.empty() ? "" : "  ", obstacle);
  }
  text += llvm::formatv("{0} kernels on {1} ({2}), {3} with an obstacle\n",
                        kernels.size(), target.name, target.chip, wrong);
  return text;
}

} // namespace sinter
