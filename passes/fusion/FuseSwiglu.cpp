/// Boxes the merged gate and up projection with its swiglu.
///
///   %g, %u = region "projections" (%x)         %s = region "swiglu" (%x) {
///   %s = swiglu %g, %u                   ==>     the same two ops
///                                                yield %s
///                                              }
///
/// Why: the weights of gate and up alternate in groups of 16 rows, so that one
/// work item holds both sums of an output and the wide results never reach
/// memory.
/// Refuses: gate and up that are not one matmul of exactly these two, gate not
/// first, results read elsewhere, rows not a multiple of 16.
/// Test: test/passes/fuse-swiglu.mlir
#include "passes/FusionPass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_FUSESWIGLU
#include "passes/Passes.h.inc"

static std::optional<Box> matchSwiglu(SwigluOp swiglu, Site &site) {
  RegionOp joined = regionOf(swiglu.getGate(), "projections");
  if (!joined || swiglu.getUp().getDefiningOp() != joined ||
      joined.getNumResults() != 2)
    return site.refuse("gate and up are not one matmul");
  if (swiglu.getGate() != joined.getResult(0) ||
      swiglu.getUp() != joined.getResult(1))
    return site.refuse("gate is not first in the joined matmul");
  if (!swiglu.getGate().hasOneUse() || !swiglu.getUp().hasOneUse())
    return site.refuse("gate or up has other users");
  if (int64_t rows = widthOf(swiglu.getResult()); rows % 16)
    return site.refuse("rows not a multiple of 16 (" + Twine(rows) + ")");
  return Box{.ops = {joined, swiglu}, .main = swiglu};
}

namespace {

struct FuseSwiglu : impl::FuseSwigluBase<FuseSwiglu> {
  using FuseSwigluBase::FuseSwigluBase;
  void runOnOperation() override {
    fuseAll<SwigluOp>(getOperation(), fuseSwigluFusion, remarks, matchSwiglu);
  }
};

} // namespace

const Fusion fuseSwigluFusion = {
    .stem = "fuse-swiglu",
    .kind = "swiglu",
    .make = createFuseSwiglu,
    .expected = [](ModelAttr model, func::FuncOp) { return model.getFfn(); }};

} // namespace sinter
