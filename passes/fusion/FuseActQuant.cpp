/// Boxes a quantisation with the op or region whose rows it reads.
///
///   %s, %n = region "residual_norm" (%x, %a)
///   %n8 = quantize %n
///     ==>
///   %s, %n8 = region "act_quant" (%x, %a) { the same two; yield %s, %n8 }
///
/// Why: a row is quantised once, where it is produced, while it is in the
/// cache; its float32 form never reaches memory.
/// Refuses: producers that cannot end in 8-bit rows, and rows that are read as
/// float32 too.
/// Test: test/passes/fuse-act-quant.mlir
#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/sinter/LatentOps.h"
#include "dialects/sinter/MoeOps.h"
#include "dialects/sinter/NormOps.h"
#include "dialects/sinter/RecurrentOps.h"
#include "passes/FusionPass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_FUSEACTQUANT
#include "passes/Passes.h.inc"

/// Whether `value` is what its producer's kernel can write as 8-bit rows.
static bool canEndQuantised(Value value) {
  Operation *producer = value.getDefiningOp();
  if (producer &&
      (isNorm(producer) ||
       isa<AttentionOp, HeadColumnsOp, HeadMatmulOp, LatentAttentionOp>(
           producer)))
    return true;
  if (auto op = dyn_cast_or_null<Elementwise>(producer))
    return op.isActivation() || isa<SigmoidGateOp, MulOp>(producer);
  if (RegionOp norm = regionOf(value, "residual_norm"))
    return value == norm->getResults().back(); // not the sum
  return regionOf(value, "swiglu") || regionOf(value, "gated_norm");
}

/// The residual stream itself, which blocks without a norm before them read:
/// the next sum needs it as float32 too.
static bool isStream(Value rows) {
  if (isa_and_nonnull<AddOp, EmbedOp, ScaleOp, ScaleByOp>(rows.getDefiningOp()))
    return true;
  // Norms behind a block give the stream themselves.
  return llvm::any_of(rows.getUsers(), [](Operation *user) {
    auto region = dyn_cast<RegionOp>(user);
    return isa<AddOp>(user) || (region && region.getKind() == "residual_norm");
  });
}

/// Rows that a router reads as float32, whatever its experts read.
static bool isRouted(Value rows) {
  return llvm::any_of(rows.getUsers(), [](Operation *user) {
    auto box = dyn_cast<RegionOp>(user);
    if (box && box.getKind() == "moe")
      return true;
    return isa<MatmulOp>(user) &&
           llvm::any_of(user->getUsers(),
                        [](Operation *next) { return isa<RouteOp>(next); });
  });
}

/// A mixture's own kernel quantises between its products.
static bool isInMixture(QuantizeOp quantize) {
  auto box = dyn_cast<RegionOp>(quantize->getParentOp());
  return box && box.getKind() == "moe";
}

static std::optional<Box> matchActQuant(QuantizeOp quantize, Site &site) {
  Value rows = quantize.getInput();
  if (!canEndQuantised(rows)) {
    Operation *producer = rows.getDefiningOp();
    auto region = dyn_cast_or_null<RegionOp>(producer);
    return site.refuse("producer cannot write 8-bit rows (" +
                       (region     ? "sinter.region " + region.getKind().str()
                        : producer ? producer->getName().getStringRef().str()
                                   : "argument") +
                       ")");
  }
  if (!rows.hasOneUse())
    return site.refuse("float32 result has other users");
  Operation *producer = rows.getDefiningOp();
  return Box{.ops = {producer, quantize}, .main = producer};
}

namespace {

struct FuseActQuant : impl::FuseActQuantBase<FuseActQuant> {
  using FuseActQuantBase::FuseActQuantBase;
  void runOnOperation() override {
    fuseAll<QuantizeOp>(getOperation(), fuseActQuantFusion, remarks,
                        matchActQuant);
  }
};

} // namespace

const Fusion fuseActQuantFusion = {
    .stem = "fuse-act-quant",
    .kind = "act_quant",
    .make = createFuseActQuant,
    // How many rows are quantised depends on the weights' formats, so the
    // program itself is asked: none but the stream and what a router reads
    // should stay outside a box.
    .expected = [](ModelAttr, func::FuncOp step) {
      unsigned quantised = 0;
      step.walk([&](QuantizeOp quantize) {
        Value rows = quantize.getInput();
        quantised +=
            !isStream(rows) && !isRouted(rows) && !isInMixture(quantize);
      });
      return quantised;
    }};

} // namespace sinter
