/// Puts texts together; the prelude comes from the files of prelude/ and
/// emulation/, which the build stores here as strings.
#include "codegen/cuda/CudaSource.h"

#include "llvm/ADT/SetVector.h"
#include "llvm/Support/FormatVariadic.h"

#include <initializer_list>
#include <string_view>

#include "codegen/cuda/CudaPrelude.inc"

namespace sinter {

/// NVRTC reads no headers; a host compiler gets those of C++, and the words
/// that CUDA adds to the language.
static constexpr std::string_view kDeviceBegin = R"(
typedef signed char int8_t;
typedef unsigned char uint8_t;
typedef short int16_t;
typedef unsigned short uint16_t;
typedef int int32_t;
typedef unsigned int uint32_t;
typedef long int64_t;
typedef unsigned long uint64_t;
)";
static constexpr std::string_view kHostBegin =
    R"(
#include <atomic>
#include <math.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
)"
    "#define __shared__ static thread_local\n"
    "#define __device__ static\n";
/// Programs load several such libraries: none may take another's state.
static constexpr std::string_view kHidden =
    "#pragma GCC visibility push(hidden)\n";
static constexpr std::string_view kVisible = "#pragma GCC visibility pop\n";

static std::string shapeOf(const cuda::KernelText &kernel) {
  return "\nstruct " + kernel.name + "_shape {\n" + kernel.shape + "};\n";
}

static std::string deviceEntry(const cuda::KernelText &kernel) {
  std::string enough =
      kernel.enoughBlocks ? ", " + std::to_string(kernel.enoughBlocks) : "";
  return llvm::formatv(
      "extern \"C\" __global__ void __launch_bounds__({1}{4})\n"
      "{0}(Operands<{2}> operands, const Batch *batch, unsigned padded) {{\n"
      "{6}"
      "  if (padded && !hasItem<{5}>(*batch))\n"
      "    return;\n"
      "  {3}<{0}_shape>(operands.at, *batch);\n}\n",
      kernel.name, kernel.threads, kernel.operands, kernel.skeleton, enough,
      kernel.items,
      kernel.early ? "  beginEarly<" + kernel.ahead + ">(operands.at);\n" : "");
}

static std::string hostEntry(const cuda::KernelText &kernel) {
  std::string body = llvm::formatv("ofItems<{0}<{1}_shape>, {2}>",
                                   kernel.skeleton, kernel.name, kernel.items);
  if (kernel.early)
    body = "afterEarlier<" + kernel.ahead + ", " + body + ">, true";
  return llvm::formatv(
      "extern \"C\" __attribute__((visibility(\"default\"))) void\n"
      "{0}(void *const *operands, const Batch *batch, int64_t begin,\n"
      "    int64_t end) {{\n"
      "  emulation::runBlocks<{1}, {2}>(\n"
      "      \"{0}\", operands, batch, begin, end);\n}\n",
      kernel.name, kernel.threads, body);
}

static std::string entries(llvm::ArrayRef<cuda::KernelText> kernels,
                           std::string (*entryOf)(const cuda::KernelText &)) {
  std::string text;
  for (const cuda::KernelText &kernel : kernels)
    text += entryOf(kernel);
  return text;
}

/// The lattices that kernels read, each once, and the shapes.
static std::string shapes(llvm::ArrayRef<cuda::KernelText> kernels) {
  llvm::SetVector<const Format *> lattices;
  for (const cuda::KernelText &kernel : kernels)
    if (kernel.lattice)
      lattices.insert(kernel.lattice);
  std::string text;
  for (const Format *format : lattices)
    text += "\n" + cuda::printLattice(*format);
  return text + entries(kernels, shapeOf);
}

static constexpr std::string_view kNames = "using namespace sinter;\n"
                                           "using namespace sinter::cuda;\n";

static std::string join(std::initializer_list<std::string_view> parts) {
  std::string text;
  for (std::string_view part : parts)
    text += part;
  return text;
}

std::string cuda::deviceSource(llvm::ArrayRef<KernelText> kernels) {
  return join({kDeviceBegin, kSharedText, kDeviceText, kPreludeText, kNames,
               shapes(kernels), entries(kernels, deviceEntry)});
}

std::string cuda::portableSource(llvm::ArrayRef<KernelText> kernels) {
  return join(
      {"// Kernels of one compiled model, for NVRTC and, on an emulated "
       "device, for the\n// host's compiler.\n#ifdef __CUDACC__",
       kDeviceBegin,
       "#else",
       kHostBegin,
       "#endif\n",
       kSharedText,
       "#ifdef __CUDACC__\n",
       kDeviceText,
       "#else\n",
       kHidden,
       kEmulationText,
       "#endif\n",
       kPreludeText,
       kNames,
       shapes(kernels),
       "#ifdef __CUDACC__\n",
       entries(kernels, deviceEntry),
       "#else\n",
       kVisible,
       entries(kernels, hostEntry),
       "#endif\n"});
}

} // namespace sinter
