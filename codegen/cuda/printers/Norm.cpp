/// Prints RMS and layer norms.
#include "codegen/cuda/CudaPrinter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

static llvm::Error printNorm(KernelText &kernel, NormAttr norm, KernelOp) {
  unsigned width = norm.getInput().getWidth();
  if (norm.getOutput().getQ8() && (norm.getGroup() != width || width % 32))
    return llvm::createStringError(
        "an 8-bit norm needs one group of a multiple of 32, found rows of %u "
        "in groups of %u",
        width, norm.getGroup());
  if (norm.getBias() && !norm.getLayer())
    return llvm::createStringError("an RMS norm has no bias");
  if (norm.getUnit() && (norm.getLayer() || norm.getWide()))
    return llvm::createStringError("only a plain RMS norm goes without weight");
  kernel.skeleton = "norm";
  kernel.threads = "kNormThreads";
  kernel.operands = 3 + 2 * norm.getAddend() + norm.getBias() - norm.getUnit();
  ShapePrinter shape(kernel);
  shape.row("In", norm.getInput());
  shape.row("Out", norm.getOutput());
  shape.number("group", norm.getGroup());
  shape.real("epsilon", norm.getEpsilon());
  shape.flag("addend", norm.getAddend());
  shape.flag("layer", norm.getLayer());
  shape.flag("bias", norm.getBias());
  shape.flag("wide", norm.getWide());
  shape.flag("unit", norm.getUnit());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter normPrinter = printerOf<NormAttr, printNorm>();

} // namespace sinter
