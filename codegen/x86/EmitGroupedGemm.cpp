/// Emits matrix products by group: of each active expert the rows of its
/// tokens, gathered once, times the packed matrix of that expert.
#include "codegen/x86/GemmItem.h"
#include "codegen/x86/RowWriter.h"
#include "codegen/x86/Skeletons.h"
#include "dialects/tile/Experts.h"

#include <algorithm>

using namespace mlir;
using namespace sinter;
using namespace sinter::x86;
using namespace sinter::tile;

/// What decoding an expert's weights takes, in tokens' worth of products. Few
/// tokens wait for memory, so that their number hardly counts.
static constexpr unsigned kIdleDecode = 32, kIdlePrefill = 4;
/// Bytes of gathered rows: with the weights of an item they fit the L2 cache.
static constexpr uint64_t kPanelBytes = 256 << 10;
static constexpr unsigned kMaxPanelRows = 64;

namespace {

class GroupedGemmEmitter {
public:
  GroupedGemmEmitter(KernelBuilder &builder, GroupedGemmAttr gemm,
                     const GemmWork &work)
      : k(builder), gemm(gemm), work(work), item(builder, work),
        rowTiles(
            (work.weightRows + kRowGroup * work.config.getRowGroups() - 1) /
            (kRowGroup * work.config.getRowGroups())),
        idle(gemm.getDecode() ? kIdleDecode : kIdlePrefill) {}

  void emit();

private:
  void loadOperands();
  void emitExpert(Value active);
  Value firstTile(Value position, Value cost);
  void gather(Value first, Value count);

  KernelBuilder &k;
  GroupedGemmAttr gemm;
  const GemmWork &work;
  GemmItem item;
  unsigned rowTiles, idle;
  unsigned panelRows = 0;
  Value input, groups, order, weights, output, panel;
  Values biases;
  Value from, to; ///< of the step's work
};

} // namespace

static Value timesValue(KernelBuilder &k, Value l, Value r) {
  return k.ops().create<arith::MulIOp>(l, r);
}

void GroupedGemmEmitter::loadOperands() {
  unsigned next = 0;
  input = k.operand(next++);
  groups = k.operand(next++);
  order = k.operand(next++);
  weights = k.operand(next++);
  for (unsigned s = 0; gemm.getBiasRows() && s < work.segments; ++s)
    biases.push_back(k.operand(next++));
  output = k.operand(next++);
  uint64_t bytes = rowBytes(work.input), tile = work.config.getTokens();
  panelRows = std::clamp<uint64_t>(kPanelBytes / bytes / tile * tile, tile,
                                   std::max<uint64_t>(kMaxPanelRows, tile));
  panel = k.scratch(panelRows * bytes);
}

/// The work of a step is rowTiles * (assignments + active * idle); a thread's
/// items are its part of that.
void GroupedGemmEmitter::emit() {
  loadOperands();
  Value active = k.loadIndex32(groups);
  Value all =
      k.mul(k.add(k.mul(k.tokenCount(), gemm.getTop()), k.mul(active, idle)),
            rowTiles);
  from = k.div(timesValue(k, k.begin(), all), kGroupedItems);
  to = k.div(timesValue(k, k.end(), all), kGroupedItems);
  k.loop(k.index(0), active, 1, [&](Value a) { emitExpert(a); });
}

/// The first row tile that begins at `position` or later, counted from where
/// the expert begins; each takes `cost`.
Value GroupedGemmEmitter::firstTile(Value position, Value cost) {
  Value ahead = k.ops().create<arith::MaxSIOp>(position, k.index(0));
  Value tile =
      k.ops().create<arith::DivUIOp>(k.add(k.add(ahead, cost), -1), cost);
  return k.min(tile, k.index(rowTiles));
}

void GroupedGemmEmitter::emitExpert(Value active) {
  Value entry = k.at(groups, k.mul(active, 4));
  Value expert = k.loadIndex32(entry, 4);
  Value first = k.loadIndex32(entry, 4 * (1 + gemm.getExperts()));
  Value last = k.loadIndex32(entry, 4 * (2 + gemm.getExperts()));
  Value count = k.add(last, k.mul(first, -1));
  Value cost = k.add(count, idle);
  Value begin = k.mul(k.add(first, k.mul(active, idle)), -int(rowTiles));
  Value firstOwn = firstTile(k.add(from, begin), cost);
  Value endOwn = firstTile(k.add(to, begin), cost);
  k.when(k.less(firstOwn, endOwn), [&] {
    uint64_t bytes =
        work.layout.matrixBytes(work.weightRows, work.input.getWidth());
    item.weights = k.at(weights, k.mul(expert, bytes));
    item.input = panel;
    item.biases.clear();
    for (auto [s, bias] : llvm::enumerate(biases))
      item.biases.push_back(
          k.at(k.at(bias, gemm.getBiasFirst()[s] * 4),
               k.mul(expert, int64_t(gemm.getBiasRows()) * 4)));
    k.loop(k.index(0), count, panelRows, [&](Value row) {
      Value rows = k.min(k.add(count, k.mul(row, -1)), k.index(panelRows));
      Value place = k.at(order, k.mul(k.add(first, row), 4));
      gather(place, rows);
      item.outputRow = [&](Value index) {
        Value assignment = k.loadIndex32(k.at(place, k.mul(index, 4)));
        return rowAt(k, work.output, output, assignment);
      };
      k.loop(firstOwn, endOwn, 1, [&](Value tile) { item.emit(tile, rows); });
    });
  });
}

/// Copies the rows of `count` assignments from `first` into the panel.
void GroupedGemmEmitter::gather(Value first, Value count) {
  int64_t bytes = rowBytes(work.input);
  unsigned lanes = k.lanesFor(bytes / 4);
  k.loop(k.index(0), count, 1, [&](Value index) {
    Value assignment = k.loadIndex32(k.at(first, k.mul(index, 4)));
    Value row = gemm.getSlots() ? assignment : k.div(assignment, gemm.getTop());
    Value source = rowAt(k, gemm.getInput(), input, row);
    Value copy = k.at(panel, k.mul(index, bytes));
    k.loop(k.index(0), k.index(bytes), lanes * 4, [&](Value offset) {
      k.store(k.load(k.vec(lanes, k.i32()), k.at(source, offset)),
              k.at(copy, offset));
    });
  });
}

/// Rows as they lie in the panel: nothing between them.
static RowAttr panelRow(RowAttr row) {
  if (row.getQ8())
    return row;
  return RowAttr::get(row.getContext(), row.getWidth(), row.getWidth(), false,
                      0);
}

llvm::Error x86::emitGroupedGemm(KernelBuilder &k, KernelOp kernel) {
  auto gemm = cast<GroupedGemmAttr>(kernel.getSkeleton());
  llvm::Expected<GemmWork> work =
      gemmWork(gemm, panelRow(gemm.getInput()), kernel);
  if (!work)
    return work.takeError();
  GroupedGemmEmitter(k, gemm, *work).emit();
  return llvm::Error::success();
}
