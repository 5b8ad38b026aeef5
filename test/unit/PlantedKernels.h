/// Kernels written by a test, compiled for an emulated device, and what ran of
/// them.
#ifndef SINTER_TEST_UNIT_PLANTEDKERNELS_H
#define SINTER_TEST_UNIT_PLANTEDKERNELS_H

#include "codegen/cuda/CudaSource.h"
#include "runtime/ArtifactFormat.h"
#include "runtime/cpu/KernelLibrary.h"
#include "runtime/emulated/HostCompiler.h"

#include <gtest/gtest.h>

#include <span>
#include <string>
#include <vector>

namespace sinter::test {

/// The name by which a test calls a kernel, and the function that it is.
using PlantedName = const char *[2];

/// Blocks have 64 threads: two warps.
class PlantedKernels {
public:
  PlantedKernels(const std::string &kernels,
                 std::span<const PlantedName> names) {
    std::string source = cuda::portableSource({});
    source += "namespace planted {\n" + std::string(kBegin) + kernels + "}\n";
    for (const auto &[name, body] : names)
      source += "extern \"C\" void " + std::string(name) +
                "(void *const *operands, const Batch *batch, int64_t begin, "
                "int64_t end) {\n  planted::launch<planted::" +
                body + ">(\"" + name + "\", operands, batch, begin, end);\n}\n";
    auto object = compileForHost(source);
    EXPECT_TRUE(object.ok()) << object.status().message();
    if (!object.ok())
      return;
    auto loaded = KernelLibrary::load(*object);
    EXPECT_TRUE(loaded.ok()) << loaded.status().message();
    if (loaded.ok())
      library = std::move(*loaded);
  }

  template <typename Function> Function *exported(const char *name) const {
    return reinterpret_cast<Function *>(library.symbol(name));
  }
  void reset() const {
    exported<void()>("sinterEmulationReset")();
    seed(0);
  }
  void seed(uint64_t seed) const {
    exported<void(uint64_t)>("sinterEmulationSeed")(seed);
  }

  /// Runs one block; what went wrong, or "".
  std::string run(const char *name, std::vector<void *> operands,
                  const Batch &batch = {}) const {
    (*library.find(name))(operands.data(), &batch, 0, 1);
    const char *fault = exported<const char *()>("sinterEmulationFault")();
    return fault ? fault : "";
  }

private:
  static constexpr const char *kBegin = R"(
template <auto body>
void launch(const char *name, void *const *operands, const Batch *batch,
            int64_t begin, int64_t end) {
  emulation::runBlocks<64, body>(name, operands, batch, begin, end);
}
int *output(void *const *operands) { return static_cast<int *>(operands[0]); }
)";
  KernelLibrary library;
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_PLANTEDKERNELS_H
