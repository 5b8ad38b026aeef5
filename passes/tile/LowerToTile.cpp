/// Lowers the model to launches of kernels.
///
///   %n = sinter.rms_norm %x, @w epsilon 1.0e-6
///   ==>
///   tile.kernel @rms_norm_f32_n1024 #tile.norm<...> {}
///   tile.vector @w.f32 from [@w]
///   %n = tile.launch @rms_norm_f32_n1024 (%x) [@w.f32] order [...] ...
///
/// One op or one region becomes one launch; equal kernels and constants exist
/// once. A region that no kernel computes in one piece is inlined, with a
/// remark, and its ops are lowered one by one. Values joined side by side are
/// cut by `tile.columns`, which costs nothing: users step over the rest of the
/// row. Refuses: ops after select_rows that need every token.
/// Test: test/passes/lower-to-tile.mlir

#include "dialects/sinter/EncoderOps.h"
#include "dialects/sinter/LatentOps.h"
#include "dialects/sinter/MoeOps.h"
#include "dialects/sinter/NormOps.h"
#include "dialects/sinter/RecurrentOps.h"
#include "passes/FusionPass.h"
#include "passes/InlineRegion.h"
#include "passes/tile/LowerGroup.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_LOWERTOTILE
#include "passes/Passes.h.inc"

static bool hasRecurrence(OpGroup &group) {
  return llvm::any_of(group.getOps(), [](Operation *op) {
    return isa<GatedDeltaNetOp, SsmScanOp, ShortConvOp, ConvWindowOp,
               StateLoadOp, StateStoreOp>(op);
  });
}

/// The answer of the lowering that its ops ask for.
static NotLowered lowerGroup(OpGroup &group, TileBuilder &tile) {
  if (group.size() == 0)
    return "an empty region";
  if (group.count<RouteOp>() || group.count<ExpertMatmulOp>() ||
      group.count<CombineOp>() || group.count<GateRowsOp>())
    return lowerExperts(group, tile);
  if (group.count<MatmulOp>())
    return lowerMatmul(group, tile);
  if (group.count<EmbedRowsOp>() || group.count<PoolOp>() ||
      group.count<SoftmaxOp>())
    return lowerPooling(group, tile);
  if (group.count<EmbedOp>())
    return lowerEmbed(group, tile);
  if (group.count<HeadMatmulOp>() || group.count<LatentWriteOp>() ||
      group.count<LatentAttentionOp>() || group.count<JoinHeadsOp>())
    return lowerLatent(group, tile);
  if (group.count<AttentionOp>())
    return lowerAttention(group, tile);
  if (group.count<RopeOp>() || group.count<CacheWriteOp>())
    return lowerHeads(group, tile);
  if (hasRecurrence(group))
    return lowerRecurrent(group, tile);
  if (group.count<GroupedNormOp>() ||
      (group.count<RmsNormOp>() && group.count<SwigluOp>()))
    return lowerGatedNorm(group, tile);
  if (group.count<HeadColumnsOp>() || group.count<FoldOp>())
    return lowerColumns(group, tile);
  if (group.count<UnitNormOp>())
    return lowerUnitNorm(group, tile);
  if (llvm::any_of(group.getOps(), isNorm))
    return lowerNorm(group, tile);
  return lowerElementwise(group, tile);
}

/// Adds to what legalisation has inlined, for the report.
static void note(func::FuncOp function, const Tally &inlined) {
  ArrayAttr now = inlined.asAttribute(function.getContext());
  if (now.empty())
    return;
  SmallVector<Attribute> all(now.getValue());
  if (auto before = function->getAttrOfType<ArrayAttr>(kInlinedAttr))
    all.insert(all.begin(), before.begin(), before.end());
  function->setAttr(kInlinedAttr, ArrayAttr::get(function.getContext(), all));
}

/// Rotation, cache, attention, experts and pooling go by the step's tokens;
/// after select_rows or a pool rows are no longer tokens.
static LogicalResult checkRows(OpGroup &group, const TileBuilder &tile) {
  for (Operation *op : group.getOps()) {
    if (!isa<RopeOp, CacheWriteOp, AttentionOp, SelectRowsOp, PoolOp, RouteOp,
             ExpertMatmulOp, CombineOp, GateRowsOp, HeadMatmulOp, LatentWriteOp,
             LatentAttentionOp, JoinHeadsOp>(op) &&
        !hasRecurrence(group))
      continue;
    for (Value operand : op->getOperands())
      if (tile.countsOutputs(group.resolve(operand)))
        return op->emitOpError(
            "follows select_rows, but needs a row per token");
  }
  return success();
}

namespace {

struct LowerToTile : impl::LowerToTileBase<LowerToTile> {
  void runOnOperation() override {
    TileBuilder tile(getOperation());
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      if (function.isExternal())
        continue;
      if (failed(lowerFunction(function, tile)))
        return signalPassFailure();
    }
  }

  LogicalResult lowerFunction(func::FuncOp function, TileBuilder &tile) {
    Tally inlined;
    Operation *next;
    for (Operation *op = &function.getBody().front().front(); op; op = next) {
      next = op->getNextNode();
      if (!isa_and_nonnull<SinterDialect>(op->getDialect()))
        continue;
      OpGroup group(op);
      if (failed(checkRows(group, tile)))
        return failure();
      tile.builder.setInsertionPoint(op);
      NotLowered why = lowerGroup(group, tile);
      if (!why) {
        op->erase();
        continue;
      }
      auto region = dyn_cast<RegionOp>(op);
      if (!region)
        return op->emitOpError("has no kernel: ") << *why;
      region.emitRemark("inlined '") << region.getKind() << "': " << *why;
      inlined.add((region.getKind() + ": " + *why).str(), region);
      if (Operation *first = &region.getBody().front().front();
          !isa<YieldOp>(first))
        next = first;
      inlineRegion(region);
    }
    note(function, inlined);
    return success();
  }
};

} // namespace
} // namespace sinter
