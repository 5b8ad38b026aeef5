/// Compiles CUDA kernels from their text for an emulated device and loads them
/// into this process, for the tests of their arithmetic.
#ifndef SINTER_TEST_UNIT_EMULATEDKERNELS_H
#define SINTER_TEST_UNIT_EMULATEDKERNELS_H

#include "codegen/Emitter.h"
#include "dialects/tile/Tile.h"
#include "runtime/ArtifactFormat.h"
#include "runtime/cpu/KernelLibrary.h"
#include "runtime/emulated/HostCompiler.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

namespace sinter::test {

/// Kernels of a module, compiled for an emulated device.
class EmulatedKernels {
public:
  explicit EmulatedKernels(const std::string &ops) {
    mlir::MLIRContext context;
    context.loadDialect<SinterDialect, tile::TileDialect,
                        mlir::arith::ArithDialect, mlir::math::MathDialect>();
    auto module = mlir::parseSourceString<mlir::ModuleOp>(ops, &context);
    EXPECT_TRUE(module) << ops;
    auto source = emitCuda(*module);
    if (!source) {
      error = llvm::toString(source.takeError());
      return;
    }
    auto object = compileForHost(*source);
    EXPECT_TRUE(object.ok()) << object.status().message();
    auto loaded = KernelLibrary::load(*object);
    EXPECT_TRUE(loaded.ok()) << loaded.status().message();
    library = std::move(*loaded);
  }

  /// A buffer that kernels may use; nobody has written what is `undefined`.
  void allow(const char *name, const void *begin, size_t bytes,
             bool undefined = false) {
    if (undefined)
      written.emplace_back(new uint8_t[bytes]());
    auto add = reinterpret_cast<bool (*)(const char *, const void *, size_t,
                                         uint8_t *)>(
        library.symbol("sinterEmulationRegion"));
    EXPECT_TRUE(
        add(name, begin, bytes, undefined ? written.back().get() : nullptr));
  }
  void reset() {
    reinterpret_cast<void (*)()>(library.symbol("sinterEmulationReset"))();
    written.clear();
  }
  void seed(uint64_t seed) {
    reinterpret_cast<void (*)(uint64_t)>(library.symbol("sinterEmulationSeed"))(
        seed);
  }

  void run(const std::string &name, std::vector<void *> operands,
           const Batch &batch, int64_t items) {
    EXPECT_EQ(faultOf(name, std::move(operands), batch, items), "");
  }

  /// What goes wrong in a run of which something does.
  std::string faultOf(const std::string &name, std::vector<void *> operands,
                      const Batch &batch, int64_t items) {
    allow("batch", &batch, sizeof(batch));
    auto kernel = library.find(name);
    EXPECT_TRUE(kernel.ok()) << name;
    if (!kernel.ok())
      return "there is no such kernel";
    (*kernel)(operands.data(), &batch, 0, items);
    const char *fault = reinterpret_cast<const char *(*)()>(
        library.symbol("sinterEmulationFault"))();
    return fault ? fault : "";
  }

  std::string error;

private:
  KernelLibrary library;
  std::vector<std::unique_ptr<uint8_t[]>> written;
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_EMULATEDKERNELS_H
