/// Boxes a mixture of experts, from router to weighted sum.
///
///   %l = matmul %x, @router              %y = region "moe" (%x, %x8) {
///   %i, %w = route %l                      the same ops, same order
///   %g = expert_matmul %x8, %i, @gate      yield %y
///   %u = expert_matmul %x8, %i, @up  ==> }
///   %h = swiglu %g, %u
///   %h8 = quantize %h
///   %d = expert_matmul %h8, %i, @down
///   %y = combine %d, %w
///
/// Gate and up may be tensors apart or rows of one; an activation of one
/// operand needs only one of them.
///
/// Why: gate and up of an expert become one product whose activation is
/// computed, and quantised, while the sums are in registers; the wide rows
/// never reach memory.
/// Refuses: weights of another route than the ids', rows between the matmuls
/// that are no activation of expert matmuls, other ids or inputs on gate and
/// up, values used outside, formats, scales or biases on one of the two only,
/// rows that cannot take turns of 16, a router that is part of a joined
/// matmul.
/// Test: test/passes/fuse-moe-region.mlir
#include "dialects/sinter/MoeOps.h"
#include "passes/FusionPass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_FUSEMOEREGION
#include "passes/Passes.h.inc"

namespace {

/// The ops of one mixture, found upwards from its combine.
struct Mixture {
  SmallVector<ExpertMatmulOp> first; ///< gate and up, or the only one
  Operation *activation = nullptr;
  QuantizeOp quantize;
  ExpertMatmulOp down;
  RouteOp route;
  MatmulOp router;
};

} // namespace

/// Why the products before the activation are not one; empty if they are.
static std::string apart(Mixture &mixture, const Site &site) {
  ExpertMatmulOp gate = mixture.first.front();
  int64_t rows = rowWidth(gate.getResult());
  if (rows % 16)
    return "rows not a multiple of 16 (" + std::to_string(rows) + ")";
  for (ExpertMatmulOp other : mixture.first) {
    if (other.getInput() != gate.getInput())
      return "gate and up read different rows";
    Type format = site.weight(gate.getWeightAttr()).getElementType();
    Type another = site.weight(other.getWeightAttr()).getElementType();
    if (format != another)
      return "gate and up have different formats (" +
             std::string(formatOf(format)->name) + ", " +
             std::string(formatOf(another)->name) + ")";
    if (other.getScale().has_value() != gate.getScale().has_value())
      return "tensor scales on gate or up only";
    if (other.getBias().has_value() != gate.getBias().has_value())
      return "bias on gate or up only";
  }
  return {};
}

static std::optional<Mixture> findMixture(CombineOp combine, Site &site) {
  Mixture found;
  found.down = combine.getInput().getDefiningOp<ExpertMatmulOp>();
  if (!found.down)
    return site.refuse("sums rows of no expert matmul");
  found.route = combine.getWeights().getDefiningOp<RouteOp>();
  if (!found.route || found.route.getWeights() != combine.getWeights() ||
      found.route.getIds() != found.down.getIds())
    return site.refuse("weights and ids are not of one route");
  found.router = found.route.getLogits().getDefiningOp<MatmulOp>();
  if (!found.router)
    return site.refuse("the logits are not a matmul's alone");
  Value rows = found.down.getInput();
  found.quantize = rows.getDefiningOp<QuantizeOp>();
  if (found.quantize)
    rows = found.quantize.getInput();
  found.activation = rows.getDefiningOp();
  auto formula = dyn_cast_or_null<Elementwise>(found.activation);
  if (!formula || !formula.isActivation())
    return site.refuse("no activation between the expert matmuls");
  for (Value operand : found.activation->getOperands()) {
    auto matmul = operand.getDefiningOp<ExpertMatmulOp>();
    if (!matmul)
      return site.refuse("the activation is not of expert matmuls");
    if (matmul.getIds() != found.route.getIds())
      return site.refuse("gate and up go to other experts than down");
    found.first.push_back(matmul);
  }
  return found;
}

/// Whether users outside read what the box would hide.
static bool isReadOutside(Mixture &mixture) {
  auto once = [](Value value) { return value.hasOneUse(); };
  for (ExpertMatmulOp matmul : mixture.first)
    if (!once(matmul.getResult()))
      return true;
  Value activated = mixture.activation->getResult(0);
  if (!once(activated) || !once(mixture.down.getResult()) ||
      !once(mixture.router.getResult()) || !once(mixture.route.getWeights()))
    return true;
  if (mixture.quantize && !once(mixture.quantize.getResult()))
    return true;
  size_t matmuls = mixture.first.size() + 1;
  return llvm::range_size(mixture.route.getIds().getUses()) != matmuls;
}

static std::optional<Box> matchMoe(CombineOp combine, Site &site) {
  std::optional<Mixture> mixture = findMixture(combine, site);
  if (!mixture)
    return std::nullopt;
  if (std::string reason = apart(*mixture, site); !reason.empty())
    return site.refuse(reason);
  if (isReadOutside(*mixture))
    return site.refuse("an inner value is used outside");
  Box box{.ops = {mixture->router, mixture->route, mixture->activation,
                  mixture->down, combine},
          .main = combine};
  for (ExpertMatmulOp matmul : mixture->first)
    box.ops.push_back(matmul);
  if (mixture->quantize)
    box.ops.push_back(mixture->quantize);
  llvm::sort(box.ops,
             [](Operation *a, Operation *b) { return a->isBeforeInBlock(b); });
  return box;
}

namespace {

struct FuseMoeRegion : impl::FuseMoeRegionBase<FuseMoeRegion> {
  using FuseMoeRegionBase::FuseMoeRegionBase;
  void runOnOperation() override {
    fuseAll<CombineOp>(getOperation(), fuseMoeRegionFusion, remarks, matchMoe);
  }
};

} // namespace

const Fusion fuseMoeRegionFusion = {
    .stem = "fuse-moe-region",
    .kind = "moe",
    .make = createFuseMoeRegion,
    .expected = [](ModelAttr model) { return model.count("experts", 0); }};

} // namespace sinter
