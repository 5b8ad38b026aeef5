/// Lets several blocks of a GPU share the context of a token where few tokens
/// are decoded: each leaves the sums of a part, which a second kernel folds.
///
///   %o = tile.launch @att (%q, %kv) ...
///   ==>
///   %s = tile.launch @att_splits (%q, %kv) ...
///   %o = tile.launch @att_merge (%s) ...
///
/// Why: a block for each cache head leaves most multiprocessors idle. The parts
/// are those that @att folds itself, so both give the same bits. Whether the
/// second launch is worth it the cost model says
/// (passes/tile/GpuAttentionCost.h). Refuses: processors; encoders, which have
/// no decoding; what the model finds slower. Test:
/// test/passes/choose-attention-splits.mlir

#include "dialects/tile/AttentionSplits.h"
#include "passes/tile/GpuAttentionCost.h"
#include "passes/tile/KernelTile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DECL_CHOOSEATTENTIONSPLITS
#define GEN_PASS_DEF_CHOOSEATTENTIONSPLITS
#include "passes/Passes.h.inc"

namespace {

struct ChooseAttentionSplits
    : impl::ChooseAttentionSplitsBase<ChooseAttentionSplits> {
  using ChooseAttentionSplitsBase::ChooseAttentionSplitsBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto target = module->getAttrOfType<TargetAttr>("sinter.target");
    auto decode = module.lookupSymbol<func::FuncOp>("decode");
    if (!target || !decode)
      return;
    facts = tileTarget(target);
    if (facts.gpu.bandwidth == 0)
      return;
    SymbolTable symbols(module);
    decode.walk([&](tile::LaunchOp launch) {
      auto kernel = symbols.lookup<tile::KernelOp>(launch.getKernel());
      if (kernel && isa<tile::AttentionAttr>(kernel.getSkeleton()))
        visit(launch, kernel, symbols);
    });
  }

private:
  /// The two kernels that take the place of one; none: it stays.
  struct Parts {
    tile::KernelOp splits, merge;
  };

  Parts partsOf(tile::KernelOp kernel, SymbolTable &symbols) {
    auto attention = cast<tile::AttentionAttr>(kernel.getSkeleton());
    GpuAttention shape = gpuAttentionOf(attention);
    bool splits = splitsGpuAttention(facts, shape);
    if (remarks)
      kernel.emitRemark("context of @")
          << kernel.getSymName() << (splits ? " is split: " : " stays whole: ")
          << gpuAttentionReason(facts, shape);
    if (!splits)
      return {};
    auto add = [&](StringRef suffix, Attribute skeleton) {
      auto copy = kernel.clone();
      copy.setSymName((kernel.getSymName() + suffix).str());
      copy.setSkeletonAttr(skeleton);
      copy.setConfigAttr(
          configOf(chooseTile(skeleton, facts, 1), &getContext()));
      symbols.insert(copy, std::next(Block::iterator(kernel)));
      return copy;
    };
    tile::KernelOp merge =
        add("_merge", tile::MergeSplitsAttr::get(&getContext(), attention));
    tile::KernelOp parts = add(
        "_splits", tile::AttentionSplitsAttr::get(&getContext(), attention));
    return {parts, merge};
  }

  void visit(tile::LaunchOp launch, tile::KernelOp kernel,
             SymbolTable &symbols) {
    auto [known, isNew] = parts.try_emplace(kernel);
    if (isNew)
      known->second = partsOf(kernel, symbols);
    if (known->second.splits)
      replace(launch, cast<tile::AttentionAttr>(kernel.getSkeleton()),
              known->second);
  }

  /// The launch's operands are queries, cache and, perhaps, sinks.
  void replace(tile::LaunchOp launch, tile::AttentionAttr attention,
               const Parts &kernels) {
    OpBuilder b(launch);
    auto symbolOf = [](tile::KernelOp kernel) {
      return FlatSymbolRefAttr::get(kernel.getSymNameAttr());
    };
    auto sums = RankedTensorType::get(
        {ShapedType::kDynamic, int64_t(splitRowWidth(attention))},
        b.getF32Type());
    auto splits = b.create<tile::LaunchOp>(
        launch.getLoc(), sums, symbolOf(kernels.splits), launch.getInputs(),
        b.getArrayAttr({}), b.getStrArrayAttr({"i0", "i1", "o0"}),
        launch.getLabelAttr(), UnitAttr());
    SmallVector<StringRef> order = {"i0", "o0"};
    if (attention.getSinks())
      order.insert(order.begin() + 1, "s0");
    auto merge = b.create<tile::LaunchOp>(
        launch.getLoc(), launch.getResultTypes(), symbolOf(kernels.merge),
        splits.getResults(), launch.getSymbols(), b.getStrArrayAttr(order),
        b.getStringAttr(launch.getLabel() + " merge"), UnitAttr());
    launch.replaceAllUsesWith(merge.getResults());
    launch.erase();
  }

  TileTarget facts;
  llvm::DenseMap<Operation *, Parts> parts;
};

} // namespace
} // namespace sinter
