/// Emits matrix products head by head: of each row the columns of one head
/// times the packed matrix of that head.
#include "codegen/x86/GemmItem.h"
#include "codegen/x86/RowWriter.h"
#include "codegen/x86/Skeletons.h"
#include "dialects/tile/Latent.h"

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

/// 8-bit rows of one head that are gathered at once.
static constexpr unsigned kPanelRows = 64;

namespace {

class HeadGemmEmitter {
public:
  HeadGemmEmitter(KernelBuilder &builder, HeadGemmAttr gemm,
                  const GemmWork &work)
      : k(builder), gemm(gemm), work(work), item(builder, work) {}

  void emit();

private:
  void emitItem(Value head, Value tile);
  void gather(Value head, Value first, Value count);
  void copy(Value from, Value to, unsigned bytes);

  KernelBuilder &k;
  HeadGemmAttr gemm;
  const GemmWork &work;
  GemmItem item;
  Value input, weights, output, panel;
};

} // namespace

void HeadGemmEmitter::emit() {
  input = k.operand(0);
  weights = k.operand(1);
  output = k.operand(2);
  if (gemm.getInput().getQ8())
    panel = k.scratch(uint64_t(kPanelRows) * rowBytes(work.input));
  unsigned rows = kRowGroup * work.config.getRowGroups();
  unsigned tiles = (work.weightRows + rows - 1) / rows;
  k.loop(k.begin(), k.end(), 1, [&](Value index) {
    emitItem(k.div(index, tiles), k.rem(index, tiles));
  });
}

void HeadGemmEmitter::emitItem(Value head, Value tile) {
  uint64_t bytes =
      work.layout.matrixBytes(work.weightRows, work.input.getWidth());
  item.weights = k.at(weights, k.mul(head, bytes));
  item.outputGroup = k.mul(head, work.weightRows / kRowGroup);
  Value tokens = k.tokenCount();
  if (!panel) {
    item.input = k.at(input, k.mul(head, int64_t(gemm.headWidth()) * 4));
    item.outputRow = [&](Value row) {
      return rowAt(k, work.output, output, row);
    };
    return item.emit(tile, tokens);
  }
  item.input = panel;
  k.loop(k.index(0), tokens, kPanelRows, [&](Value first) {
    Value count = k.min(k.add(tokens, k.mul(first, -1)), k.index(kPanelRows));
    gather(head, first, count);
    item.outputRow = [&](Value row) {
      return rowAt(k, work.output, output, k.add(first, row));
    };
    item.emit(tile, count);
  });
}

void HeadGemmEmitter::copy(Value from, Value to, unsigned bytes) {
  unsigned lanes = k.lanesFor(bytes / 4);
  k.loop(k.index(0), k.index(bytes), lanes * 4, [&](Value offset) {
    k.store(k.load(k.vec(lanes, k.i32()), k.at(from, offset)),
            k.at(to, offset));
  });
}

/// The columns of `head` of 8-bit rows into the panel, as rows of their own:
/// codes, scales and sums lie apart. What pads a row is zeros.
void HeadGemmEmitter::gather(Value head, Value first, Value count) {
  unsigned sums = gemm.getInput().getSums(), width = gemm.headWidth();
  Q8Layout all = Q8Layout::of(gemm.getInput().getWidth(), sums);
  Q8Layout own = Q8Layout::of(width, sums);
  k.loop(k.index(0), count, 1, [&](Value index) {
    Value from = rowAt(k, gemm.getInput(), input, k.add(first, index));
    Value to = k.at(panel, k.mul(index, own.rowBytes));
    auto part = [&](unsigned source, unsigned target, unsigned bytes,
                    unsigned padded) {
      copy(k.at(k.at(from, source), k.mul(head, bytes)), k.at(to, target),
           bytes);
      k.loop(k.index(bytes), k.index(padded), 4, [&](Value offset) {
        k.store(k.constant(1, 0), k.at(k.at(to, target), offset));
      });
    };
    part(0, 0, width, own.padded);
    part(all.scales, own.scales, width / 8, own.padded / 8);
    if (sums & kCodes32)
      part(all.codes32, own.codes32, width / 8, own.padded / 8);
    if (sums & kMins32)
      part(all.mins32, own.mins32, width / 8, own.padded / 8);
    if (sums & kCodes16)
      part(all.codes16, own.codes16, width / 4, own.padded / 4);
    if (sums & kMins16)
      part(all.mins16, own.mins16, width / 4, own.padded / 4);
  });
}

/// How the columns of one head lie: 8-bit rows in the panel, float32 where
/// they are.
static RowAttr headRow(HeadGemmAttr gemm) {
  RowAttr row = gemm.getInput();
  return RowAttr::get(row.getContext(), gemm.headWidth(), row.getStride(),
                      row.getQ8(), row.getSums());
}

llvm::Error x86::emitHeadGemm(KernelBuilder &k, KernelOp kernel) {
  auto gemm = cast<HeadGemmAttr>(kernel.getSkeleton());
  unsigned width = gemm.headWidth(), rows = gemm.getWeightRows();
  if (rows % kRowGroup || (gemm.getInput().getQ8() && width % 32))
    return llvm::createStringError(
        "heads of %u columns times %u rows; expected multiples of %u rows, "
        "and of 32 columns where they are 8-bit",
        width, rows, kRowGroup);
  llvm::Expected<GemmWork> work = gemmWork(gemm, headRow(gemm), kernel);
  if (!work)
    return work.takeError();
  HeadGemmEmitter(k, gemm, *work).emit();
  return llvm::Error::success();
}
