/// Compiles kernels from their text and loads them into this process, for the
/// tests of the emitters.
#ifndef SINTER_TEST_UNIT_EMITTEDKERNELS_H
#define SINTER_TEST_UNIT_EMITTEDKERNELS_H

#include "codegen/Emitter.h"
#include "dialects/tile/Tile.h"
#include "runtime/ArtifactFormat.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Parser/Parser.h"

#include <dlfcn.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

namespace sinter::test {

/// An instruction set to test, and whether this machine has it.
struct Level {
  const char *name, *level, *features;
  bool available;
};

inline std::vector<Level> levels() {
  __builtin_cpu_init();
  bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  bool v4 = v3 && __builtin_cpu_supports("avx512bw") &&
            __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512dq");
  bool vnni = v4 && __builtin_cpu_supports("avx512vnni");
  bool vbmi = vnni && __builtin_cpu_supports("avx512vbmi");
  bool bf16 = vbmi && __builtin_cpu_supports("avx512bf16");
  return {
      {"avx2", "x86-64-v3", "", v3},
      {"avx512", "x86-64-v4", "", v4},
      {"avx512vnni", "x86-64-v4", "avx512vnni", vnni},
      {"avx512vbmi", "x86-64-v4", "avx512vnni,avx512vbmi", vbmi},
      {"avx512bf16", "x86-64-v4", "avx512vnni,avx512vbmi,avx512bf16", bf16}};
}

/// Kernels compiled from text and loaded into this process.
class Kernels {
public:
  Kernels(const Level &level, const std::string &ops) {
    context.loadDialect<SinterDialect, tile::TileDialect,
                        mlir::arith::ArithDialect, mlir::math::MathDialect>();
    std::string text = fmt::format(
        "module attributes {{sinter.target = #sinter.target<level = \"{}\", "
        "features = \"{}\", cores = 2, l1 = 32768, l2 = 1048576, l3 = "
        "1048576>}} {{\n{}\n}}",
        level.level, level.features, ops);
    auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
    EXPECT_TRUE(module) << text;
    auto object = emitX86(*module, EmitStage::Binary);
    if (!object) {
      error = llvm::toString(object.takeError());
      return;
    }
    int file = memfd_create("kernels", 0);
    EXPECT_EQ(write(file, object->data(), object->size()),
              ssize_t(object->size()));
    library = dlopen(fmt::format("/proc/self/fd/{}", file).c_str(), RTLD_NOW);
    EXPECT_TRUE(library) << dlerror();
    // The file stays open: dlopen knows libraries by path, and a number that is
    // used again would give it the old one.
  }

  KernelFunction operator[](const char *name) {
    auto function = reinterpret_cast<KernelFunction>(dlsym(library, name));
    EXPECT_TRUE(function) << name;
    return function;
  }

  std::string error;

private:
  mlir::MLIRContext context;
  void *library = nullptr;
};

} // namespace sinter::test

#endif // SINTER_TEST_UNIT_EMITTEDKERNELS_H
