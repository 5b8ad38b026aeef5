/// What kernels compiled for an emulated device offer besides themselves, as
/// functions: codegen/cuda/emulation/Launch.cuh exports them.
#ifndef SINTER_TEST_UNIT_EMULATIONCALLS_H
#define SINTER_TEST_UNIT_EMULATIONCALLS_H

#include "runtime/cpu/KernelLibrary.h"
#include "runtime/emulated/HostCompiler.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

namespace sinter::test {

/// Compiles `source` and loads it; an empty library, and a failure of the
/// test, where that does not go well.
inline KernelLibrary loadForHost(const std::string &source) {
  auto object = compileForHost(source);
  EXPECT_TRUE(object.ok()) << object.status().message();
  if (!object.ok())
    return {};
  auto loaded = KernelLibrary::load(*object);
  EXPECT_TRUE(loaded.ok()) << loaded.status().message();
  return loaded.ok() ? std::move(*loaded) : KernelLibrary();
}

class EmulationCalls {
public:
  explicit EmulationCalls(const KernelLibrary &library) : library(library) {}

  template <typename Function> Function *exported(const char *name) const {
    return reinterpret_cast<Function *>(library.symbol(name));
  }
  /// Forgets faults and buffers.
  void reset() const { exported<void()>("sinterEmulationReset")(); }
  void seed(uint64_t seed) const {
    exported<void(uint64_t)>("sinterEmulationSeed")(seed);
  }
  /// A buffer that kernels may use; a byte of `written` for each of its own
  /// says whether it was written, null: all are. Kernels write no constant.
  bool region(const char *name, const void *begin, size_t bytes,
              uint8_t *written = nullptr, bool constant = false) const {
    return exported<bool(const char *, const void *, size_t, uint8_t *, bool)>(
        "sinterEmulationRegion")(name, begin, bytes, written, constant);
  }
  /// What went wrong since the last reset, or "".
  std::string fault() const {
    const char *text = exported<const char *()>("sinterEmulationFault")();
    return text ? text : "";
  }

private:
  const KernelLibrary &library;
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_EMULATIONCALLS_H
