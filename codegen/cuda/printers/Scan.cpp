/// Prints the gated delta rule, token by token or in chunks, and Mamba-2.
#include "codegen/cuda/CudaPrinter.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::cuda;
using namespace sinter::tile;

/// Numbers of a state in the registers of 128 threads, 64 each.
static constexpr unsigned kMaxNumbers = 128 * 64;

/// Bytes of ChunkedScan.cuh's Work: the state, keys and queries, what the
/// tokens write, their products, and five numbers for each.
static unsigned chunkedBytes(ScanAttr scan) {
  unsigned stateStride = scan.getValueWidth() + 8;
  unsigned keyStride = scan.getKeyWidth() + 4, pairStride = kScanChunk + 4;
  return 4 * (scan.getKeyWidth() * stateStride +
              kScanChunk * (2 * keyStride + stateStride + 2 * pairStride + 5));
}

static llvm::Error printChunks(KernelText &kernel, ScanAttr scan,
                               ShapePrinter &shape) {
  if (!scan.getDelta() || scan.getChunk() != kScanChunk ||
      !scansInChunks(scan.getKeyWidth(), scan.getValueWidth()))
    return llvm::createStringError(
        "%s of %u by %u in chunks of %u; expected delta nets of multiples of "
        "16 by 8, up to 128 each, in chunks of %u",
        scan.getDelta() ? "delta nets" : "state spaces", scan.getKeyWidth(),
        scan.getValueWidth(), scan.getChunk(), kScanChunk);
  kernel.skeleton = "chunkedScan";
  kernel.threads = "kChunkedScanThreads";
  kernel.dynamicShared = chunkedBytes(scan);
  kernel.enoughBlocks = 1; // whose shared memory is all that there is
  kernel.items =
      "ItemDimension::Tokens, " + std::to_string(scan.getValueHeads()) + ", 1";
  shape.number("sharedBytes", kernel.dynamicShared);
  shape.number("slotNumbers", uint64_t(scan.getValueHeads()) *
                                  scan.getStateRows() * scan.getValueWidth());
  return llvm::Error::success();
}

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
  if (scan.getChunk())
    if (llvm::Error error = printChunks(kernel, scan, shape))
      return error;
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
