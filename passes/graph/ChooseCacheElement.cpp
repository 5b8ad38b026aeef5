/// Lets caches hold bfloat16 where the target multiplies it and the model's
/// activations are rounded more coarsely already.
///
///   %kv : !sinter.kv_cache<…, f16>    ==>    %kv : !sinter.kv_cache<…, bf16>
///
/// Why: vdpbf16ps adds two products to a sum where float32 adds one, and needs
/// no conversion of keys and values. 8 bits of precision are as much as 8-bit
/// activations keep; models whose matrices are all F32, F16 or BF16 keep f16,
/// whose 11 bits they need (a BF16 model's error grew 1.7 times without).
/// Refuses: latent caches, whose keys are values too, and heads of no multiple
/// of 4 columns. Test: test/passes/choose-cache-element.mlir
#include "dialects/sinter/LatentOps.h"
#include "dialects/sinter/MoeOps.h"
#include "passes/Passes.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_CHOOSECACHEELEMENT
#include "passes/Passes.h.inc"

/// Whether a matrix is multiplied that takes 8-bit activations, and none that
/// belongs to an expert.
static bool roundsActivations(func::FuncOp step, SymbolTable &symbols) {
  bool rounds = false, routes = false;
  step.walk([&](Operation *op) {
    FlatSymbolRefAttr weight;
    if (auto matmul = dyn_cast<MatmulOp>(op))
      weight = matmul.getWeightAttr();
    else if (auto heads = dyn_cast<HeadMatmulOp>(op))
      weight = heads.getWeightAttr();
    else
      routes |= isa<ExpertMatmulOp>(op);
    if (!weight)
      return;
    auto declared = symbols.lookup<WeightOp>(weight.getValue());
    auto type = cast<RankedTensorType>(declared.getType());
    rounds |= formatOf(type.getElementType())->form.family != Family::Plain;
  });
  return rounds && !routes;
}

namespace {
struct ChooseCacheElement : impl::ChooseCacheElementBase<ChooseCacheElement> {
  void runOnOperation() override {
    auto target = getOperation()->getAttrOfType<TargetAttr>("sinter.target");
    if (!target || !target.hasFeature("avx512bf16"))
      return;
    SymbolTable symbols(getOperation());
    for (auto step : getOperation().getOps<func::FuncOp>())
      if (!step.isExternal() && roundsActivations(step, symbols))
        choose(step);
  }

  void choose(func::FuncOp step) {
    for (BlockArgument argument : step.getArguments()) {
      auto cache = dyn_cast<KvCacheType>(argument.getType());
      if (!cache || !cache.getElement().isF16() || !cache.getValues() ||
          cache.getKeys() % 4 || cache.getValues() % 4)
        continue;
      argument.setType(KvCacheType::get(
          &getContext(), cache.getHeads(), cache.getKeys(), cache.getValues(),
          BFloat16Type::get(&getContext()), cache.getWindow()));
    }
    FunctionType type = step.getFunctionType();
    step.setFunctionType(FunctionType::get(
        &getContext(), step.getBody().getArgumentTypes(), type.getResults()));
  }
};
} // namespace
} // namespace sinter
