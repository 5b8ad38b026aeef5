/// Boxes a residual sum with the norm that reads it.
///
///   %s = add %x, %a                %s, %n = region "residual_norm" (%x, %a) {
///   %n = rms_norm %s, @w     ==>     the same two ops
///                                    yield %s, %n    (%n, if %s ends there)
///                                  }
///
/// Why: the sum is normed while it is in registers; one launch.
/// Refuses: a norm of anything but a sum, above all the last one, which stands
/// behind select_rows. Norms of heads are none of its business.
/// Test: test/passes/fuse-residual-norm.mlir
#include "dialects/sinter/NormOps.h"
#include "passes/FusionPass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_FUSERESIDUALNORM
#include "passes/Passes.h.inc"

static std::optional<Box> matchResidualNorm(Operation *norm, Site &site) {
  Value input = norm->getOperand(0);
  auto layer = dyn_cast<LayerNormOp>(norm);
  if (site.weight(gainOf(norm)).getNumElements() != rowWidth(input) ||
      (layer && layer.getHeads() > 1))
    return site.ignore();
  Operation *producer = input.getDefiningOp();
  if (isa_and_nonnull<SelectRowsOp>(producer))
    return site.refuse("select_rows stands between the sum and the norm");
  auto sum = dyn_cast_or_null<AddOp>(producer);
  if (!sum)
    return site.refuse("input is not a sum");
  return Box{.ops = {sum, norm}, .main = norm};
}

namespace {

struct FuseResidualNorm : impl::FuseResidualNormBase<FuseResidualNorm> {
  using FuseResidualNormBase::FuseResidualNormBase;
  void runOnOperation() override {
    fuseAll(getOperation(), fuseResidualNormFusion, isNorm, remarks,
            matchResidualNorm);
  }
};

} // namespace

const Fusion fuseResidualNormFusion = {
    .stem = "fuse-residual-norm",
    .kind = "residual_norm",
    .make = createFuseResidualNorm,
    // Every block adds its output to the stream and the next block norms the
    // sum; after the last block select_rows comes first.
    .expected = [](ModelAttr model) {
      unsigned sums = model.getAttention() + model.getFfn();
      return model.count("summed_norms", sums ? sums - 1 : 0);
    }};

} // namespace sinter
