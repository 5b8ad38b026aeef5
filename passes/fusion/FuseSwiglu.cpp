/// Boxes a feed-forward block's activation with the matmul before it.
///
///   %g, %u = region "projections" (%x)         %s = region "swiglu" (%x) {
///   %s = swiglu %g, %u                   ==>     the same two ops
///                                                yield %s
///                                              }
///
/// Likewise for every gated activation over gate and up, and for `gelu` or
/// `relu2` of one matmul.
///
/// Why: the activation is computed while the sums are in registers. The
/// weights of gate and up alternate in groups of 16 rows, so that one work
/// item holds both sums of an output and the wide results never reach memory.
/// Refuses: gate and up that are not one matmul of exactly these two, gate not
/// first, results read elsewhere, rows not a multiple of 16; one operand that
/// is not a matmul's alone.
/// Test: test/passes/fuse-swiglu.mlir
#include "passes/FusionPass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_FUSESWIGLU
#include "passes/Passes.h.inc"

/// gelu or relu2 of one matmul.
static std::optional<Box> matchPlain(Operation *activation, Site &site) {
  auto matmul = activation->getOperand(0).getDefiningOp<MatmulOp>();
  if (!matmul)
    return site.refuse("input is not a matmul");
  if (!matmul.getResult().hasOneUse())
    return site.refuse("the matmul has other users");
  return Box{.ops = {matmul, activation}, .main = activation};
}

static std::optional<Box> matchActivation(Elementwise op, Site &site) {
  if (!op.isActivation())
    return site.ignore();
  if (op->getNumOperands() == 1)
    return matchPlain(op, site);
  Value gate = op->getOperand(0), up = op->getOperand(1);
  RegionOp joined = regionOf(gate, "projections");
  if (!joined || up.getDefiningOp() != joined || joined.getNumResults() != 2)
    return site.refuse("gate and up are not one matmul");
  if (gate != joined.getResult(0) || up != joined.getResult(1))
    return site.refuse("gate is not first in the joined matmul");
  if (!gate.hasOneUse() || !up.hasOneUse())
    return site.refuse("gate or up has other users");
  if (int64_t rows = rowWidth(gate); rows % 16)
    return site.refuse("rows not a multiple of 16 (" + Twine(rows) + ")");
  return Box{.ops = {joined, op}, .main = op};
}

namespace {

struct FuseSwiglu : impl::FuseSwigluBase<FuseSwiglu> {
  using FuseSwigluBase::FuseSwigluBase;
  void runOnOperation() override {
    fuseAll<Elementwise>(getOperation(), fuseSwigluFusion, remarks,
                         matchActivation);
  }
};

} // namespace

const Fusion fuseSwigluFusion = {.stem = "fuse-swiglu",
                                 .kind = "swiglu",
                                 .make = createFuseSwiglu,
                                 .expected = [](ModelAttr model) {
                                   return model.count("activated",
                                                      model.getFfn());
                                 }};

} // namespace sinter
