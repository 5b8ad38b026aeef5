/// Kernels written by a test, compiled for an emulated device, and what ran of
/// them.
#ifndef SINTER_TEST_UNIT_PLANTEDKERNELS_H
#define SINTER_TEST_UNIT_PLANTEDKERNELS_H

#include "codegen/cuda/CudaSource.h"
#include "runtime/ArtifactFormat.h"
#include "runtime/cpu/KernelLibrary.h"
#include "test/unit/EmulationCalls.h"

#include <span>
#include <string>
#include <vector>

namespace sinter::test {

/// The name by which a test calls a kernel, and the function that it is; with
/// ", true" behind it the launch before may still run when it begins.
using PlantedName = const char *[2];

/// Blocks have two warps, or as many threads as the test says.
class PlantedKernels {
public:
  PlantedKernels(const std::string &kernels, std::span<const PlantedName> names,
                 unsigned threads = 64) {
    std::string source = cuda::portableSource({});
    source += "namespace planted {\nconstexpr unsigned kThreads = " +
              std::to_string(threads) + ";\n" + kBegin + kernels + "}\n";
    for (const auto &[name, body] : names)
      source += "extern \"C\" void " + std::string(name) +
                "(void *const *operands, const Batch *batch, int64_t begin, "
                "int64_t end) {\n  planted::launch<planted::" +
                body + ">(\"" + name + "\", operands, batch, begin, end);\n}\n";
    library = loadForHost(source);
  }

  EmulationCalls emulation() const { return EmulationCalls(library); }
  /// As if nothing had run: threads in order, no faults, no buffers.
  void reset() const {
    emulation().reset();
    emulation().seed(0);
  }
  void seed(uint64_t seed) const { emulation().seed(seed); }

  /// Runs one block; what went wrong, or "".
  std::string run(const char *name, std::vector<void *> operands,
                  const Batch &batch = {}) const {
    (*library.find(name))(operands.data(), &batch, 0, 1);
    return emulation().fault();
  }

private:
  static constexpr const char *kBegin = R"(
template <auto body, bool early = false>
void launch(const char *name, void *const *operands, const Batch *batch,
            int64_t begin, int64_t end) {
  emulation::runBlocks<kThreads, body, early>(name, operands, batch, begin,
                                              end);
}
int *output(void *const *operands) { return static_cast<int *>(operands[0]); }
)";
  KernelLibrary library;
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_PLANTEDKERNELS_H
