/// Emits gemv and gemm: every row of the step times each item's row groups.
#include "codegen/x86/GemmItem.h"
#include "codegen/x86/RowWriter.h"
#include "codegen/x86/Skeletons.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

static void emitItems(KernelBuilder &k, GemmAttr gemm, const GemmWork &work) {
  GemmItem item(k, work);
  unsigned next = 0;
  item.input = k.operand(next++);
  item.weights = k.operand(next++);
  if (gemm.getBias()) {
    Value bias = k.operand(next++);
    unsigned rows = work.weightRows / work.segments;
    for (unsigned s = 0; s < work.segments; ++s)
      item.biases.push_back(k.at(bias, s * rows * 4));
  }
  Value output = k.operand(next++);
  item.outputRow = [&](Value row) {
    return rowAt(k, work.output, output, row);
  };
  k.loop(k.begin(), k.end(), 1, [&](Value index) {
    item.emit(index, gemm.getOutputs() ? k.outputCount() : k.tokenCount());
  });
}

llvm::Error x86::emitGemm(KernelBuilder &k, KernelOp kernel) {
  auto gemm = cast<GemmAttr>(kernel.getSkeleton());
  llvm::Expected<GemmWork> work = gemmWork(gemm, gemm.getInput(), kernel);
  if (!work)
    return work.takeError();
  emitItems(k, gemm, *work);
  return llvm::Error::success();
}
