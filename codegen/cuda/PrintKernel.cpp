/// Prints what each class of kernel leaves open of its skeleton.
#include "codegen/cuda/KernelText.h"

#include "codegen/x86/PackedLayout.h"

#include "llvm/ADT/TypeSwitch.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

namespace {

/// The members of a shape, one a line.
class ShapePrinter {
public:
  explicit ShapePrinter(KernelText &kernel) : text(kernel.shape) {}

  void number(const char *name, unsigned value) {
    text +=
        llvm::formatv("  static constexpr unsigned {0} = {1};\n", name, value);
  }
  void flag(const char *name, bool value) {
    text += llvm::formatv("  static constexpr bool {0} = {1};\n", name,
                          value ? "true" : "false");
  }
  /// Floating-point members are functions: a device has no such constants.
  void real(const char *name, double value) {
    text += llvm::formatv("  static constexpr float {0}() {{ return {1}; }\n",
                          name, printFloat(value));
  }
  void real(const char *name, FloatAttr value) {
    real(name, value ? value.getValueAsDouble() : 0.0);
  }
  void row(const char *name, RowAttr row) {
    text += llvm::formatv("  using {0} = Row<{1}, {2}, {3}, {4}>;\n", name,
                          row.getWidth(), row.getStride(),
                          row.getQ8() ? "true" : "false", row.getSums());
  }
  void cache(unsigned heads, unsigned keyWidth, unsigned valueWidth,
             unsigned pageTokens, bool f16, bool ring) {
    text += llvm::formatv("  using Element = {0};\n", f16 ? "Half" : "float");
    number("cacheHeads", heads);
    number("keyWidth", keyWidth);
    number("valueWidth", valueWidth);
    number("pageTokens", pageTokens);
    flag("ring", ring);
  }
  llvm::Error format(StringRef name, unsigned width) {
    llvm::Expected<std::string> printed = printFormat(name);
    if (!printed)
      return printed.takeError();
    text += *printed;
    const Format *format = findFormat(std::string_view(name));
    text += llvm::formatv("  static constexpr uint64_t rowGroupBytes = {0};\n",
                          x86::PackedLayout::of(*format).rowGroupBytes(width));
    return llvm::Error::success();
  }
  llvm::Error body(Region &region, unsigned arguments) {
    llvm::Expected<std::string> printed = printBody(region, arguments);
    if (!printed)
      return printed.takeError();
    text += *printed;
    return llvm::Error::success();
  }

private:
  std::string &text;
};

} // namespace

/// 8-bit rows are written in blocks of 32 columns, each by one item.
static llvm::Error checkGemm(GemmAttr gemm, ConfigAttr config) {
  const Format *format = findFormat(std::string_view(gemm.getFormat()));
  bool plain = format && format->form.family == Family::Plain;
  if (format && plain == gemm.getInput().getQ8())
    return llvm::createStringError(
        "weights of %s take %s activations, found %s",
        gemm.getFormat().str().c_str(), plain ? "float32" : "8-bit",
        plain ? "8-bit" : "float32");
  unsigned block = 16 * gemm.getSegments() * (gemm.getOutput().getQ8() ? 2 : 1);
  bool whole = gemm.getSegments() == 1 && !gemm.getOutput().getQ8();
  if (!whole &&
      (gemm.getWeightRows() % block || config.getRowGroups() * 16 % block))
    return llvm::createStringError(
        "%u weight rows in items of %u row groups; this output needs "
        "multiples of %u rows",
        gemm.getWeightRows(), config.getRowGroups(), block);
  return llvm::Error::success();
}

static llvm::Error printGemm(KernelText &kernel, GemmAttr gemm, KernelOp op) {
  ConfigAttr config = op.getConfigAttr();
  if (llvm::Error error = checkGemm(gemm, config))
    return error;
  kernel.skeleton = "gemm";
  kernel.threads = "kGemmThreads";
  kernel.operands = gemm.getBias() ? 4 : 3;
  ShapePrinter shape(kernel);
  if (llvm::Error error =
          shape.format(gemm.getFormat(), gemm.getInput().getWidth()))
    return error;
  shape.row("In", gemm.getInput());
  shape.row("Out", gemm.getOutput());
  shape.number("weightRows", gemm.getWeightRows());
  shape.number("rowGroups", config.getRowGroups());
  shape.number("tile", config.getTokens());
  shape.number("segments", gemm.getSegments());
  shape.flag("bias", gemm.getBias());
  shape.flag("outputs", gemm.getOutputs());
  return shape.body(op.getBody(), gemm.getSegments());
}

static llvm::Error printNorm(KernelText &kernel, NormAttr norm) {
  unsigned width = norm.getInput().getWidth();
  if (norm.getOutput().getQ8() && (norm.getGroup() != width || width % 32))
    return llvm::createStringError(
        "an 8-bit norm needs one group of a multiple of 32, found rows of %u "
        "in groups of %u",
        width, norm.getGroup());
  kernel.skeleton = "norm";
  kernel.threads = "kNormThreads";
  kernel.operands = 3 + 2 * norm.getAddend() + norm.getBias();
  ShapePrinter shape(kernel);
  shape.row("In", norm.getInput());
  shape.row("Out", norm.getOutput());
  shape.number("group", norm.getGroup());
  shape.real("epsilon", norm.getEpsilon());
  shape.flag("addend", norm.getAddend());
  shape.flag("layer", norm.getLayer());
  shape.flag("bias", norm.getBias());
  shape.flag("wide", norm.getWide());
  return llvm::Error::success();
}

static llvm::Error printElementwise(KernelText &kernel, ElementwiseAttr op,
                                    KernelOp kernelOp) {
  unsigned columns = kernelOp.getConfigAttr().getColumns();
  unsigned width = op.getOutput().getWidth();
  if (!columns || (op.getOutput().getQ8() && (columns % 32 || width % 32)))
    return llvm::createStringError(
        "rows of %u in items of %u columns; 8-bit rows need multiples of 32",
        width, columns);
  kernel.skeleton = "elementwise";
  kernel.threads = "kElementwiseThreads";
  unsigned inputs = op.getStrides().size();
  kernel.operands = inputs + 1;
  ShapePrinter shape(kernel);
  shape.row("Out", op.getOutput());
  shape.number("inputs", inputs);
  shape.number("columns", columns);
  shape.flag("gather", op.getGather());
  kernel.shape += "  static constexpr int64_t stride(unsigned input) {\n";
  for (unsigned i = 0; i + 1 < inputs; ++i)
    kernel.shape += llvm::formatv("    if (input == {0})\n      return {1};\n",
                                  i, op.getStrides()[i]);
  kernel.shape +=
      llvm::formatv("    return {0};\n  }\n", op.getStrides().back());
  return shape.body(kernelOp.getBody(), inputs);
}

static llvm::Error printHeads(KernelText &kernel, HeadsAttr heads) {
  if (heads.getRotary() > heads.getKeyWidth() || heads.getRotary() % 2)
    return llvm::createStringError("rotates %u of %u elements of a head",
                                   heads.getRotary(), heads.getKeyWidth());
  kernel.skeleton = "heads";
  kernel.threads = "kHeadThreads";
  kernel.operands = 2 * (heads.getQueryHeads() != 0) + heads.getQueryNorm() +
                    3 * (heads.getCacheHeads() != 0) + heads.getKeyNorm() +
                    (heads.getRotary() != 0);
  ShapePrinter shape(kernel);
  shape.cache(heads.getCacheHeads(), heads.getKeyWidth(), heads.getValueWidth(),
              heads.getPageTokens(), heads.getCacheElement().isF16(),
              heads.getRing());
  shape.number("queryHeads", heads.getQueryHeads());
  shape.number("rotary", heads.getRotary());
  shape.flag("neox", heads.getNeox());
  shape.flag("queryNorm", heads.getQueryNorm());
  shape.flag("keyNorm", heads.getKeyNorm());
  shape.real("epsilon", heads.getEpsilon());
  shape.number("queryStride", heads.getQueryStride());
  shape.number("keyStride", heads.getKeyStride());
  shape.number("valueStride", heads.getValueStride());
  shape.number("outputStride", heads.getOutputStride());
  return llvm::Error::success();
}

static llvm::Error printAttention(KernelText &kernel, AttentionAttr op,
                                  ConfigAttr config) {
  if (op.getHeads() % op.getCacheHeads())
    return llvm::createStringError("%u heads over %u cache heads",
                                   op.getHeads(), op.getCacheHeads());
  if (op.getOutput().getQ8() && op.getValueWidth() % 32)
    return llvm::createStringError(
        "8-bit output of heads %u wide; expected a multiple of 32",
        op.getValueWidth());
  kernel.skeleton = "attention";
  kernel.threads = "kAttentionThreads";
  kernel.operands = op.getSinks() ? 4 : 3;
  ShapePrinter shape(kernel);
  shape.cache(op.getCacheHeads(), op.getKeyWidth(), op.getValueWidth(),
              op.getPageTokens(), op.getCacheElement().isF16(), op.getRing());
  shape.row("Out", op.getOutput());
  shape.number("heads", op.getHeads());
  shape.number("queryStride", op.getQueryStride());
  shape.number("tokens", config ? config.getTokens() : 1);
  shape.real("scale", op.getScale());
  shape.number("window", op.getWindow());
  shape.real("softcap", op.getSoftcap());
  shape.flag("sinks", op.getSinks());
  shape.flag("bidirectional", op.getBidirectional());
  shape.real("alibi", op.getAlibi());
  return llvm::Error::success();
}

static llvm::Error printEmbed(KernelText &kernel, EmbedAttr embed) {
  kernel.skeleton = "embed";
  kernel.threads = "kEmbedThreads";
  kernel.operands = 2;
  ShapePrinter shape(kernel);
  if (llvm::Error error =
          shape.format(embed.getFormat(), embed.getOutput().getWidth()))
    return error;
  shape.row("Out", embed.getOutput());
  kernel.shape += llvm::formatv("  static constexpr RowBy by = RowBy::{0};\n",
                                embed.getBy() == "token"      ? "Token"
                                : embed.getBy() == "position" ? "Position"
                                                              : "First");
  return llvm::Error::success();
}

llvm::Expected<KernelText> cuda::printKernel(KernelOp kernel) {
  if (isa<GemmAttr, ElementwiseAttr>(kernel.getSkeleton()) &&
      !kernel.getConfigAttr())
    return llvm::createStringError("it has no tile configuration");
  KernelText text;
  text.name = kernel.getSymName().str();
  ConfigAttr config = kernel.getConfigAttr();
  llvm::Error error =
      llvm::TypeSwitch<Attribute, llvm::Error>(kernel.getSkeleton())
          .Case<GemmAttr>(
              [&](GemmAttr op) { return printGemm(text, op, kernel); })
          .Case<NormAttr>([&](NormAttr op) { return printNorm(text, op); })
          .Case<ElementwiseAttr>([&](ElementwiseAttr op) {
            return printElementwise(text, op, kernel);
          })
          .Case<HeadsAttr>([&](HeadsAttr op) { return printHeads(text, op); })
          .Case<AttentionAttr>([&](AttentionAttr op) {
            return printAttention(text, op, config);
          })
          .Case<EmbedAttr>([&](EmbedAttr op) { return printEmbed(text, op); })
          .Default([](Attribute) {
            return llvm::createStringError("its class has no CUDA skeleton");
          });
  if (error)
    return error;
  return text;
}
