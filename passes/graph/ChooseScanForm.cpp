/// Lets gated delta nets work on several tokens at a time.
///
///   %s = state_load %pool                 %s = state_load %pool (more rows)
///   %y, %n = gated_delta_net … %s    ==>  %y, %n = gated_delta_net … chunk 16
///   state_store %n, %pool                 state_store %n, %pool
///
/// Why: tokens of a chunk meet in products of matrix units, and the state is
/// read and written once for all of them. Chunks lie at multiples of 16 of a
/// sequence's positions, and what is kept of an unfinished one is part of the
/// state, so answers depend as little on the size of steps as they do token by
/// token. They differ from those by rounding (TF32), and nobody has measured on
/// a GPU where this form wins: who asks gets it, `compile --scan chunked`.
/// Refuses: targets without matrix units, heads that their tiles do not divide
/// or shared memory does not hold, and states that something else reads.
/// Test: test/passes/choose-scan-form.mlir
#include "dialects/sinter/RecurrentOps.h"
#include "dialects/tile/Skeleton.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

#include <optional>

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_CHOOSESCANFORM
#include "passes/Passes.h.inc"

namespace {
/// The ops that keep a net's state, if nothing else has part in it.
struct KeptState {
  BlockArgument pool;
  StateLoadOp load;
};
} // namespace

static std::optional<KeptState> keptState(GatedDeltaNetOp net) {
  auto load = net.getState().getDefiningOp<StateLoadOp>();
  if (!load || !load.getResult().hasOneUse() || !net.getNext().hasOneUse())
    return {};
  auto pool = dyn_cast<BlockArgument>(load.getState());
  auto store = dyn_cast<StateStoreOp>(*net.getNext().getUsers().begin());
  if (!pool || !store || store.getState() != pool ||
      !llvm::hasNItems(pool.getUses(), 2))
    return {};
  return KeptState{pool, load};
}

namespace {
struct ChooseScanForm : impl::ChooseScanFormBase<ChooseScanForm> {
  void runOnOperation() override {
    auto target = getOperation()->getAttrOfType<TargetAttr>("sinter.target");
    if (!target || !target.hasFeature("mma"))
      return;
    getOperation().walk([&](func::FuncOp function) {
      function.walk([&](GatedDeltaNetOp net) {
        std::optional<KeptState> kept = keptState(net);
        if (kept && !net.getChunk() &&
            tile::scansInChunks(net.keyWidth(), net.valueWidth()))
          divide(net, *kept);
      });
      // What the function takes has changed.
      function.setType(FunctionType::get(&getContext(),
                                         function.front().getArgumentTypes(),
                                         function.getResultTypes()));
    });
  }

  void divide(GatedDeltaNetOp net, KeptState kept) {
    auto state =
        RecurrentType::get(&getContext(), net.getValueHeads(),
                           net.stateRows(tile::kScanChunk), net.valueWidth());
    auto rows = cast<RankedTensorType>(net.getState().getType());
    auto more = RankedTensorType::get(
        {rows.getShape().front(), int64_t(state.elements())},
        rows.getElementType());
    net.setChunk(tile::kScanChunk);
    kept.pool.setType(state);
    kept.load.getResult().setType(more);
    net.getNext().setType(more);
  }
};
} // namespace
} // namespace sinter
