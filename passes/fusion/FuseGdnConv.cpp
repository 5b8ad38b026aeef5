/// Boxes a short convolution with its window and the SiLU behind it.
///
///   %w = state_load %state, %batch
///   %c = short_conv %x, %w, %batch by @k      %s = region "gdn_conv"
///   %v = conv_window %x, %w, %batch     ==>        (%x, %state, %batch) {
///   state_store %v, %state, %batch              the five ops; yield %s
///   %s = silu %c                              }
///
/// Why: the window stays in registers from token to token, and is written where
/// it lies: one launch instead of five.
/// Refuses: a window that comes from no load, is shifted by other rows, or goes
/// elsewhere too. Without a SiLU the box has the other four.
/// Test: test/passes/fuse-gdn-conv.mlir
#include "dialects/sinter/RecurrentOps.h"
#include "passes/FusionPass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_FUSEGDNCONV
#include "passes/Passes.h.inc"

/// The one shift of a window that is not the convolution's use of it.
static ConvWindowOp shiftOf(Value window) {
  for (Operation *user : window.getUsers())
    if (auto shift = dyn_cast<ConvWindowOp>(user))
      return shift;
  return {};
}

static std::optional<Box> matchGdnConv(ShortConvOp conv, Site &site) {
  Value window = conv.getWindow();
  auto load = window.getDefiningOp<StateLoadOp>();
  if (!load)
    return site.refuse("the window is not loaded");
  ConvWindowOp shift = shiftOf(window);
  if (!shift || !llvm::hasNItems(window.getUsers(), 2))
    return site.refuse("the window has other users");
  if (shift.getInput() != conv.getInput())
    return site.refuse("the window is shifted by other rows");
  if (!shift.getResult().hasOneUse())
    return site.refuse("the new window has other users");
  auto store = dyn_cast<StateStoreOp>(*shift.getResult().user_begin());
  if (!store || store.getState() != load.getState())
    return site.refuse("the new window is not stored where it was");
  Box box{.ops = {load, conv, shift, store}, .main = conv};
  if (conv.getResult().hasOneUse())
    if (auto silu = dyn_cast<SiluOp>(*conv.getResult().user_begin()))
      box.ops.push_back(silu);
  llvm::sort(box.ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return box;
}

namespace {

struct FuseGdnConv : impl::FuseGdnConvBase<FuseGdnConv> {
  using FuseGdnConvBase::FuseGdnConvBase;
  void runOnOperation() override {
    fuseAll<ShortConvOp>(getOperation(), fuseGdnConvFusion, remarks,
                         matchGdnConv);
  }
};

} // namespace

const Fusion fuseGdnConvFusion = {
    .stem = "fuse-gdn-conv",
    .kind = "gdn_conv",
    .make = createFuseGdnConv,
    .expected = [](ModelAttr model) { return model.count("convolutions", 0); }};

} // namespace sinter
