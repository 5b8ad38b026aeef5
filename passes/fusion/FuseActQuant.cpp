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
#include "dialects/sinter/NormOps.h"
#include "dialects/sinter/RecurrentOps.h"
#include "passes/FusionPass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_FUSEACTQUANT
#include "passes/Passes.h.inc"

/// Whether `value` is what its producer's kernel can write as 8-bit rows: an
/// op, or what such an op gives at the end of a box.
static bool canEndQuantised(Value value) {
  Operation *producer = value.getDefiningOp();
  if (auto region = dyn_cast_or_null<RegionOp>(producer)) {
    unsigned index = cast<OpResult>(value).getResultNumber();
    return canEndQuantised(
        region.getBody().front().getTerminator()->getOperand(index));
  }
  if (producer &&
      (isNorm(producer) || isa<AttentionOp, GroupedNormOp, HeadColumnsOp,
                               HeadMatmulOp, LatentAttentionOp>(producer)))
    return true;
  auto op = dyn_cast_or_null<Elementwise>(producer);
  return op && (op.isActivation() || isa<SigmoidGateOp, MulOp>(producer));
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

const Fusion fuseActQuantFusion = {.stem = "fuse-act-quant",
                                   .kind = "act_quant",
                                   .make = createFuseActQuant,
                                   .expected = [](ModelAttr model) {
                                     return model.count("quantised_rows", 0);
                                   }};

} // namespace sinter
