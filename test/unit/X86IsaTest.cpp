/// Looks for the instructions that each instruction-set level should give, in
/// assembly: on every machine, also where it could not run them.
#include "test/unit/EmittedKernels.h"

#include "llvm/ADT/StringRef.h"

using namespace sinter;

namespace {

/// Assembly of a gemv over weights of `format` for a target.
std::string assembly(const char *format, const char *level,
                     const char *features) {
  mlir::MLIRContext context;
  context.loadDialect<SinterDialect, tile::TileDialect>();
  std::string text = fmt::format(
      "module attributes {{sinter.target = #sinter.target<level = \"{}\", "
      "features = \"{}\", cores = 2, l1 = 32768, l2 = 1048576, l3 = 1048576>}} "
      "{{ tile.kernel @k #tile.gemm<format = \"{}\", weightRows = 16, input = "
      "<width = 256, {}>, output = <width = 16, stride = 16>> "
      "config #tile.config<tokens = 1> {{}} }}",
      level, features, format,
      std::string_view(format) == "bf16" ? "stride = 256"
                                         : "q8 = true, sums = 1");
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  EXPECT_TRUE(module) << text;
  auto result = emitX86(*module, EmitStage::Assembly);
  if (result)
    return *result;
  ADD_FAILURE() << llvm::toString(result.takeError());
  return "";
}

/// Whether one line holds both words.
bool hasLine(const std::string &text, llvm::StringRef instruction,
             llvm::StringRef registers) {
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(text).split(lines, '\n');
  return llvm::any_of(lines, [&](llvm::StringRef line) {
    return line.contains(instruction) && line.contains(registers);
  });
}

TEST(X86Isa, ByteDots) {
  std::string avx2 = assembly("q8_0", "x86-64-v3", "");
  EXPECT_TRUE(hasLine(avx2, "vpmaddubsw", "%ymm"));
  EXPECT_TRUE(hasLine(avx2, "vpsignb", "%ymm"));
  EXPECT_FALSE(hasLine(assembly("q6_k", "x86-64-v3", ""), "vpsignb", ""));
  EXPECT_TRUE(
      hasLine(assembly("q8_0", "x86-64-v3", "avxvnni"), "vpdpbusd", "%ymm"));
  EXPECT_TRUE(hasLine(assembly("q8_0", "x86-64-v4", ""), "vpmaddubsw", "%zmm"));
  EXPECT_TRUE(
      hasLine(assembly("q8_0", "x86-64-v4", "avx512vnni"), "vpdpbusd", "%zmm"));
}

TEST(X86Isa, Bf16Dots) {
  auto text = [](const char *features) {
    return assembly("bf16", "x86-64-v4", features);
  };
  EXPECT_TRUE(hasLine(text("avx512bf16"), "vdpbf16ps", "%zmm"));
  EXPECT_FALSE(hasLine(text(""), "vdpbf16ps", ""));
}

TEST(X86Isa, NarrowTargetsUseNoWideRegisters) {
  EXPECT_FALSE(hasLine(assembly("q8_0", "x86-64-v3", "avxvnni"), "%zmm", ""));
}

TEST(X86Isa, CodebookLookUps) {
  EXPECT_TRUE(hasLine(assembly("iq4_nl", "x86-64-v3", ""), "vpshufb", "%ymm"));
  EXPECT_TRUE(hasLine(assembly("iq4_nl", "x86-64-v4", ""), "vpshufb", "%zmm"));
  EXPECT_TRUE(
      hasLine(assembly("iq4_nl", "x86-64-v4", "avx512vbmi"), "vpermb", "%zmm"));
}

} // namespace
