/// Lets caches hold what the user asks for, or bfloat16 where the target
/// multiplies it and the model's activations are rounded more coarsely already.
///
///   %kv : !sinter.kv_cache<…, f16>    ==>    %kv : !sinter.kv_cache<…, bf16>
///
/// Why: a token of a long context reads all of its cache, of which q8_0 and fp8
/// are half; only a user can say what that is worth. As for bf16, vdpbf16ps
/// adds two products to a sum where float32 adds one, and needs no conversion
/// of keys and values. 8 bits of precision are as much as 8-bit activations
/// keep; models whose matrices are all F32, F16 or BF16 keep f16, whose 11 bits
/// they need (a BF16 model's error grew 1.7 times without).
/// Refuses: latent caches, whose keys are values too, and heads of no multiple
/// of 4 columns (q8_0: of 32); where an element was asked for, as an error.
/// Test: test/passes/choose-cache-element.mlir
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

/// Gives each argument the type that `change` says; null: as it is.
static void retype(func::FuncOp step,
                   function_ref<Type(BlockArgument, KvCacheType)> change) {
  for (BlockArgument argument : step.getArguments())
    if (auto cache = dyn_cast<KvCacheType>(argument.getType()))
      if (Type changed = change(argument, cache))
        argument.setType(changed);
  step.setFunctionType(FunctionType::get(step.getContext(),
                                         step.getBody().getArgumentTypes(),
                                         step.getFunctionType().getResults()));
}

static KvCacheType holding(Type element, KvCacheType cache) {
  return KvCacheType::get(element.getContext(), cache.getHeads(),
                          cache.getKeys(), cache.getValues(), element,
                          cache.getWindow());
}

/// The element that a user calls by its name; null: there is none.
static Type elementNamed(StringRef name, MLIRContext *context) {
  if (name == "bf16")
    return BFloat16Type::get(context);
  if (name == "fp8")
    return Float8E4M3FNType::get(context);
  return name == "q8_0" ? elementTypeFor(*findFormat("q8_0"), context) : Type();
}

namespace {
struct ChooseCacheElement : impl::ChooseCacheElementBase<ChooseCacheElement> {
  using ChooseCacheElementBase::ChooseCacheElementBase;

  void runOnOperation() override {
    auto target = getOperation()->getAttrOfType<TargetAttr>("sinter.target");
    bool pairs = target && target.hasFeature("avx512bf16");
    if (element != "auto")
      return obey(pairs);
    if (!pairs)
      return;
    SymbolTable symbols(getOperation());
    for (auto step : getOperation().getOps<func::FuncOp>())
      if (!step.isExternal() && roundsActivations(step, symbols))
        retype(step, [&](BlockArgument, KvCacheType cache) -> Type {
          if (!cache.getElement().isF16() || !cache.getValues() ||
              cache.getKeys() % 4 || cache.getValues() % 4)
            return {};
          return holding(BFloat16Type::get(&getContext()), cache);
        });
  }

  /// What was asked for, or an error.
  void obey(bool pairs) {
    Type asked = elementNamed(element, &getContext());
    if (!asked) {
      getOperation().emitError() << "unknown cache element '" << element
                                 << "'; expected auto, bf16, q8_0 or fp8";
      return signalPassFailure();
    }
    if (asked.isBF16() && !pairs) {
      getOperation().emitError() << "caches cannot hold bf16: the target has "
                                    "no products of it (avx512bf16)";
      return signalPassFailure();
    }
    bool fitting = true; // the first refusal says enough
    for (auto step : getOperation().getOps<func::FuncOp>())
      if (!step.isExternal())
        retype(step, [&](BlockArgument argument, KvCacheType cache) -> Type {
          if (!fitting || !cache.getElement().isF16())
            return {};
          fitting = fits(step, argument, cache);
          return fitting ? holding(asked, cache) : Type();
        });
  }

  bool fits(func::FuncOp step, BlockArgument argument, KvCacheType cache) {
    unsigned whole = element == "q8_0" ? 32 : 4;
    if (cache.getValues() && cache.getKeys() % whole == 0 &&
        cache.getValues() % whole == 0)
      return true;
    auto name = step.getArgAttrOfType<StringAttr>(argument.getArgNumber(),
                                                  "sinter.name");
    auto error = step.emitError() << "cache '" << (name ? name.str() : "?")
                                  << "' cannot hold " << element << ": ";
    if (!cache.getValues())
      error << "its rows are keys and values in one, which are f16 or f32";
    else
      error << "its keys are " << cache.getKeys() << " and its values "
            << cache.getValues() << " wide, expected multiples of " << whole;
    signalPassFailure();
    return false;
  }
};
} // namespace
} // namespace sinter
