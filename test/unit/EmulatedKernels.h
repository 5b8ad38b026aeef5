/// Compiles CUDA kernels from their text for an emulated device and loads them
/// into this process, for the tests of their arithmetic.
#ifndef SINTER_TEST_UNIT_EMULATEDKERNELS_H
#define SINTER_TEST_UNIT_EMULATEDKERNELS_H

#include "codegen/Emitter.h"
#include "dialects/tile/Tile.h"
#include "runtime/ArtifactFormat.h"
#include "runtime/cpu/KernelLibrary.h"
#include "test/unit/EmulationCalls.h"

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
    library = loadForHost(*source);
  }

  /// A buffer that kernels may use; nobody has written what is `undefined`.
  void allow(const char *name, const void *begin, size_t bytes,
             bool undefined = false) {
    if (undefined)
      written.emplace_back(new uint8_t[bytes]());
    EXPECT_TRUE(emulation().region(name, begin, bytes,
                                   undefined ? written.back().get() : nullptr));
  }
  /// Weights, which no kernel writes.
  void allowConstant(const char *name, const void *begin, size_t bytes) {
    EXPECT_TRUE(emulation().region(name, begin, bytes, nullptr, true));
  }
  void reset() {
    emulation().reset();
    written.clear();
  }
  void seed(uint64_t seed) { emulation().seed(seed); }

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
    return emulation().fault();
  }

  std::string error;

private:
  EmulationCalls emulation() const { return EmulationCalls(library); }

  KernelLibrary library;
  std::vector<std::unique_ptr<uint8_t[]>> written;
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_EMULATEDKERNELS_H
