/// Provokes every message of the x86 emitters: kernels that the dialect allows
/// and this target cannot run are refused by name, never run wrongly.
#include "test/unit/EmittedKernels.h"

using sinter::test::Kernels;
using sinter::test::Level;

namespace {

constexpr Level kAny = {"v3", "x86-64-v3", "", true};

/// What emitting one kernel with this skeleton says.
std::string errorOf(const std::string &skeleton, Level level = kAny) {
  return Kernels(level, "tile.kernel @k " + skeleton + " {}").error;
}

const std::string kConfig = " config #tile.config<rowGroups = 1, tokens = 4>";
const std::string kRow = "<width = 64, stride = 64>";
const std::string kQ8Row = "<width = 64, q8 = true, sums = 1>";

std::string gemm(const std::string &fields) {
  return "#tile.gemm<" + fields + ">" + kConfig;
}

TEST(X86Errors, Level) {
  Level arm = {"arm", "armv9", "", true};
  EXPECT_EQ(errorOf(gemm("format = \"f32\", weightRows = 16, input = " + kRow +
                         ", output = <width = 16, stride = 16>"),
                    arm),
            "target level is 'armv9'; the x86 emitter knows x86-64-v3 and "
            "x86-64-v4");
}

TEST(X86Errors, ScansInChunks) {
  EXPECT_EQ(errorOf("#tile.scan<delta = true, keyHeads = 1, valueHeads = 1, "
                    "keyWidth = 16, valueWidth = 16, mixedStride = 48, "
                    "alphaStride = 1, betaStride = 1, epsilon = 1.0e-6 : f64, "
                    "inPlace = true, chunk = 16, stateRows = 49>"),
            "kernel 'k': chunks of 16 tokens; processors take one at a time");
}

/// What emitting such a module says.
std::string moduleErrorOf(const std::string &text) {
  mlir::MLIRContext context;
  context.loadDialect<sinter::tile::TileDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, &context);
  auto emitted = sinter::emitX86(*module, sinter::EmitStage::Binary);
  return emitted ? "" : llvm::toString(emitted.takeError());
}

TEST(X86Errors, ModulesThatCannotBeEmitted) {
  EXPECT_EQ(moduleErrorOf("module {}"), "the module has no sinter.target");
}

TEST(X86Errors, UnknownFormat) {
  EXPECT_EQ(errorOf(gemm("format = \"q9_z\", weightRows = 16, input = " +
                         kQ8Row + ", output = <width = 16, stride = 16>")),
            "kernel 'k': weight format 'q9_z' is unknown");
  EXPECT_EQ(
      errorOf("#tile.embed<format = \"q9_z\", weightRows = 16, output = " +
              kRow + ">"),
      "kernel 'k': weight format 'q9_z' is unknown");
}

TEST(X86Errors, ActivationsDoNotFitWeights) {
  EXPECT_EQ(
      errorOf(gemm("format = \"q8_0\", weightRows = 16, input = " + kRow +
                   ", output = <width = 16, stride = 16>")),
      "kernel 'k': weights of q8_0 take 8-bit activations, found float32");
  EXPECT_EQ(errorOf(gemm("format = \"f16\", weightRows = 16, input = " +
                         kQ8Row + ", output = <width = 16, stride = 16>")),
            "kernel 'k': weights of f16 take float32 activations, found 8-bit");
}

TEST(X86Errors, RowsOfPairedGroups) {
  EXPECT_EQ(
      errorOf(gemm("format = \"q8_0\", weightRows = 48, input = " + kQ8Row +
                   ", output = <width = 24, stride = 24>, "
                   "segments = 2")),
      "kernel 'k': 48 weight rows in items of 1 row groups; this output "
      "needs multiples of 32 rows");
}

TEST(X86Errors, HeadsOfOddSizes) {
  EXPECT_EQ(errorOf("#tile.head_gemm<format = \"f16\", heads = 2, weightRows = "
                    "24, input = " +
                    kRow + ", output = <width = 48, stride = 48>>" + kConfig),
            "kernel 'k': heads of 32 columns times 24 rows; expected multiples "
            "of 16 rows, and of 32 columns where they are 8-bit");
  EXPECT_EQ(errorOf("#tile.head_columns<heads = 4, headWidth = 64, offset = 0, "
                    "stride = 256, output = " +
                    kQ8Row + ">"),
            "kernel 'k': 8-bit output of heads 16 wide; expected a multiple "
            "of 32");
}

TEST(X86Errors, NoConfiguration) {
  EXPECT_EQ(errorOf("#tile.elementwise<[64] -> " + kRow + ">"),
            "kernel 'k': it has no tile configuration");
}

TEST(X86Errors, NormGroups) {
  EXPECT_EQ(errorOf("#tile.norm<input = " + kRow + ", output = " + kQ8Row +
                    ", group = 32, epsilon = 1.0e-6 : f64>"),
            "kernel 'k': an 8-bit norm needs one group of a multiple of 32, "
            "found rows of 64 in groups of 32");
}

TEST(X86Errors, ElementwiseColumns) {
  EXPECT_EQ(errorOf("#tile.elementwise<[64] -> " + kQ8Row +
                    "> config #tile.config<columns = 48>"),
            "kernel 'k': rows of 64 in items of 48 columns; 8-bit rows need "
            "multiples of 32");
}

TEST(X86Errors, HeadsAndPages) {
  EXPECT_EQ(errorOf("#tile.heads<cacheHeads = 2, keyWidth = 64, valueWidth = "
                    "64, pageTokens = 40>"),
            "kernel 'k': cache pages of 40 tokens; expected a multiple of 16");
  EXPECT_EQ(errorOf("#tile.heads<cacheHeads = 2, keyWidth = 64, valueWidth = "
                    "64, cacheElement = bf16>"),
            "kernel 'k': a cache of bf16, which the target has no products for "
            "(avx512bf16)");
  EXPECT_EQ(errorOf("#tile.heads<queryHeads = 2, keyWidth = 64, rotary = 96>"),
            "kernel 'k': rotates 96 of 64 elements of a head");
}

TEST(X86Errors, Attention) {
  std::string shape = "cacheHeads = 2, keyWidth = 64, valueWidth = 64, scale = "
                      "0.125 : f64, queryStride = 192, output = ";
  EXPECT_EQ(errorOf("#tile.attention<heads = 3, " + shape +
                    "<width = 192, stride = 192>>"),
            "kernel 'k': 3 heads over 2 cache heads in pages of 64 tokens; "
            "expected whole groups and pages of a multiple of 16");
  EXPECT_EQ(errorOf("#tile.attention<heads = 2, cacheHeads = 2, keyWidth = 48, "
                    "valueWidth = 48, scale = 0.125 : f64, queryStride = 96, "
                    "output = <width = 96, q8 = true, sums = 1>>"),
            "kernel 'k': 8-bit output of heads 48 wide; expected a multiple of "
            "32");
}

TEST(X86Errors, AttentionWorkSpace) {
  EXPECT_EQ(errorOf("#tile.attention<heads = 4096, cacheHeads = 1, keyWidth = "
                    "64, valueWidth = 64, scale = 0.125 : f64, queryStride = "
                    "262144, output = <width = 262144, stride = 262144>>"),
            "kernel 'k': 4096 query heads to a cache head need 2555904 bytes "
            "of stack; expected at most 1048576");
}

TEST(X86Errors, EmbedWidth) {
  EXPECT_EQ(errorOf("#tile.embed<format = \"q4_0\", weightRows = 16, output = "
                    "<width = 80, stride = 80>>"),
            "kernel 'k': rows of 80; q4_0 needs a multiple of 32");
}

} // namespace
