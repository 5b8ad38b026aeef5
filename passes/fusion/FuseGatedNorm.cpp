/// Boxes a norm with the gate behind or before it.
///
///   %n = rms_norm %o, @w                 %g = region "gated_norm" (%o, %z) {
///   %g = swiglu %z, %n             ==>     the same two ops
///                                        }
/// and the other order, norm of swiglu, as Mamba-2 has it.
///
/// Why: a group of columns is normed and gated while it is in registers.
/// Refuses: norms or gates whose results are read elsewhere too.
/// Test: test/passes/fuse-gated-norm.mlir
#include "dialects/sinter/RecurrentOps.h"
#include "passes/FusionPass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_FUSEGATEDNORM
#include "passes/Passes.h.inc"

static bool isNorm(Operation *op) {
  return isa_and_nonnull<RmsNormOp, GroupedNormOp>(op);
}

static std::optional<Box> matchGatedNorm(SwigluOp gate, Site &site) {
  Operation *before = gate.getUp().getDefiningOp();
  if (isNorm(before)) {
    if (!before->getResult(0).hasOneUse())
      return site.refuse("the normed rows have other users");
    return Box{.ops = {before, gate}, .main = before};
  }
  // A feed-forward block's gate is read by a matmul.
  auto users = gate.getResult().getUsers();
  auto norm = llvm::find_if(users, isNorm);
  if (norm == users.end())
    return site.ignore();
  if (!gate.getResult().hasOneUse())
    return site.refuse("the gated rows have other users");
  return Box{.ops = {gate, *norm}, .main = *norm};
}

namespace {

struct FuseGatedNorm : impl::FuseGatedNormBase<FuseGatedNorm> {
  using FuseGatedNormBase::FuseGatedNormBase;
  void runOnOperation() override {
    fuseAll<SwigluOp>(getOperation(), fuseGatedNormFusion, remarks,
                      matchGatedNorm);
  }
};

} // namespace

const Fusion fuseGatedNormFusion = {
    .stem = "fuse-gated-norm",
    .kind = "gated_norm",
    .make = createFuseGatedNorm,
    // Delta nets have such a norm always, other scans where a family has it.
    .expected = [](ModelAttr model) { return model.count("gated_norms", 0); }};

} // namespace sinter
