/// Boxes a recurrence with the load and the store of its state.
///
///   %s = state_load %state, %batch         %o = region "state_in_place"
///   %o, %t = gated_delta_net …, %s   ==>        (…, %state, %batch) {
///   state_store %t, %state, %batch           the three ops; yield %o
///                                          }
///
/// Why: the kernel reads each sequence's slot by its number and writes it back
/// where it lies: no byte of state is copied.
/// Refuses: a state that comes from no load, or goes to no store or elsewhere
/// too; one state loaded and another stored.
/// Test: test/passes/update-gdn-state-in-place.mlir
#include "dialects/sinter/RecurrentOps.h"
#include "passes/FusionPass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_UPDATEGDNSTATEINPLACE
#include "passes/Passes.h.inc"

/// gated_delta_net and ssm_scan: result 0 are rows, 1 the state behind them.
static std::optional<Box> match(Operation *scan, Value before, Site &site) {
  auto load = before.getDefiningOp<StateLoadOp>();
  if (!load)
    return site.refuse("the state is not loaded");
  if (!load.getResult().hasOneUse())
    return site.refuse("the loaded state has other users");
  Value behind = scan->getResult(1);
  if (!behind.hasOneUse())
    return site.refuse("the new state has other users");
  auto store = dyn_cast<StateStoreOp>(*behind.user_begin());
  if (!store)
    return site.refuse("the new state is not stored");
  if (store.getState() != load.getState())
    return site.refuse("one state is loaded, another stored");
  return Box{.ops = {load, scan, store}, .main = scan};
}

namespace {

struct UpdateGdnStateInPlace
    : impl::UpdateGdnStateInPlaceBase<UpdateGdnStateInPlace> {
  using UpdateGdnStateInPlaceBase::UpdateGdnStateInPlaceBase;
  void runOnOperation() override {
    fuseAll(
        getOperation(), updateGdnStateInPlaceFusion,
        [](Operation *op) { return isa<GatedDeltaNetOp, SsmScanOp>(op); },
        remarks,
        [](Operation *op, Site &site) {
          auto net = dyn_cast<GatedDeltaNetOp>(op);
          return match(
              op, net ? net.getState() : cast<SsmScanOp>(op).getState(), site);
        });
  }
};

} // namespace

const Fusion updateGdnStateInPlaceFusion = {
    .stem = "update-gdn-state-in-place",
    .kind = "state_in_place",
    .make = createUpdateGdnStateInPlace,
    .expected = [](ModelAttr model) {
      return model.count("delta_nets", 0) + model.count("state_spaces", 0);
    }};

} // namespace sinter
