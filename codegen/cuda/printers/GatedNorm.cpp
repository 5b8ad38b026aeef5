/// Prints norms of groups with a gate.
#include "codegen/cuda/CudaPrinter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printGatedNorm(KernelText &kernel, GatedNormAttr norm,
                                  KernelOp) {
  unsigned width = norm.getInput().getWidth(), group = norm.getGroup();
  if (!group || width % group || (norm.getOutput().getQ8() && group % 32))
    return llvm::createStringError(
        "rows of %u in groups of %u; 8-bit rows need groups of 32", width,
        group);
  kernel.skeleton = "gatedNorm";
  kernel.threads = "kGatedNormThreads";
  kernel.operands = norm.getGateStride() ? 4 : 3;
  ShapePrinter shape(kernel);
  shape.row("In", norm.getInput());
  shape.row("Out", norm.getOutput());
  shape.number("group", group);
  shape.real("epsilon", norm.getEpsilon());
  shape.number("gateStride", norm.getGateStride());
  shape.flag("gateFirst", norm.getGateFirst());
  shape.flag("wide", norm.getWide());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter gatedNormPrinter =
    printerOf<GatedNormAttr, printGatedNorm>();

} // namespace sinter
