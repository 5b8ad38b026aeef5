/// Boxes the output projection of a recurrence with the fold behind it.
///
///   %y3 = matmul %o3, @out : tensor<?x1x4096> -> tensor<?x1x2048>
///   %y  = fold %y3 : tensor<?x1x2048> -> tensor<?x2048>
///     ==>
///   %y  = region "collapsed" (%o3) { the two ops }
///
/// Why: a recurrence gives one row per sequence and step, with a dimension of 1
/// between; a product of such slices takes the weights once for each. Without
/// the dimension all rows are one matmul.
/// Refuses: products whose slices are read elsewhere.
/// Test: test/passes/collapse-gdn-output.mlir
#include "dialects/sinter/RecurrentOps.h"
#include "passes/FusionPass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_COLLAPSEGDNOUTPUT
#include "passes/Passes.h.inc"

static bool hasUnit(MatmulOp matmul) {
  return cast<RankedTensorType>(matmul.getType()).getRank() == 3;
}

static std::optional<Box> matchGdnOutput(MatmulOp matmul, Site &site) {
  if (!hasUnit(matmul))
    return site.ignore();
  if (!matmul.getResult().hasOneUse())
    return site.refuse("slices have other users");
  auto fold = dyn_cast<FoldOp>(*matmul.getResult().user_begin());
  if (!fold)
    return site.refuse("slices are not folded");
  return Box{.ops = {matmul, fold}, .main = matmul};
}

namespace {

struct CollapseGdnOutput : impl::CollapseGdnOutputBase<CollapseGdnOutput> {
  using CollapseGdnOutputBase::CollapseGdnOutputBase;
  void runOnOperation() override {
    fuseAll<MatmulOp>(getOperation(), collapseGdnOutputFusion, remarks,
                      matchGdnOutput);
  }
};

} // namespace

const Fusion collapseGdnOutputFusion = {
    .stem = "collapse-gdn-output",
    .kind = "collapsed",
    .make = createCollapseGdnOutput,
    // One for each recurrence that gives slices.
    .expected = [](ModelAttr model) {
      return model.count("delta_nets", 0) + model.count("state_spaces", 0);
    }};

} // namespace sinter
