/// Prints the gated delta rule and Mamba-2.
#include "codegen/cuda/CudaPrinter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

/// Numbers of a state in the registers of 128 threads, 64 each.
static constexpr unsigned kMaxNumbers = 128 * 64;

static llvm::Error printScan(KernelText &kernel, ScanAttr scan, KernelOp) {
  unsigned block = scanBlock(scan.getValueWidth());
  unsigned keyWidth = scan.getKeyWidth();
  if (!keyWidth || uint64_t(keyWidth) * block > kMaxNumbers)
    return llvm::createStringError(
        "state of %u by %u in a head; a block has registers for %u rows",
        keyWidth, scan.getValueWidth(), kMaxNumbers / block);
  unsigned keyHeads = scan.getKeyHeads();
  if (!keyHeads || scan.getValueHeads() % keyHeads)
    return llvm::createStringError("%u value heads over %u key heads",
                                   scan.getValueHeads(), keyHeads);
  kernel.skeleton = "scan";
  kernel.threads = "kScanThreads";
  kernel.operands = scan.getInPlace() ? 7 : 8;
  ShapePrinter shape(kernel);
  shape.flag("delta", scan.getDelta());
  shape.number("keyHeads", keyHeads);
  shape.number("valueHeads", scan.getValueHeads());
  shape.number("keyWidth", keyWidth);
  shape.number("valueWidth", scan.getValueWidth());
  shape.number("block", block);
  shape.number("mixedStride", scan.getMixedStride());
  shape.number("alphaStride", scan.getAlphaStride());
  shape.number("betaStride", scan.getBetaStride());
  shape.real("epsilon", scan.getEpsilon());
  shape.flag("grouped", scan.getGrouped());
  shape.flag("inPlace", scan.getInPlace());
  return llvm::Error::success();
}

namespace sinter {

extern const CudaPrinter scanPrinter = printerOf<ScanAttr, printScan>();

} // namespace sinter
