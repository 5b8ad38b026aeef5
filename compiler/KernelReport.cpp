/// Tiles and reasons from the kernels, units and row sizes from their launches.
#include "compiler/KernelReport.h"

#include "dialects/tile/Tile.h"
#include "passes/FusionPass.h"
#include "passes/tile/KernelTile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace sinter {

static std::string printed(Attribute attribute) {
  std::string text;
  llvm::raw_string_ostream(text) << attribute;
  return text;
}

static std::string tileText(tile::ConfigAttr config) {
  std::string text = printed(config);
  StringRef inner = text;
  inner.consume_front("#tile.config<");
  inner.consume_back(">");
  return inner.str();
}

/// Bytes of one row; 0 for what has no rows.
static uint64_t rowBytes(Type type) {
  auto rows = dyn_cast<RankedTensorType>(type);
  return rows && rows.getRank() ? rowBytesOf(rows) : 0;
}

/// 8-bit rows meet weights as bytes, others as bfloat16 where the weights are
/// and the target multiplies it (a GPU in its matrix units; F16 as two halves,
/// for which float32 stands); a cache of bfloat16 is multiplied as such, on a
/// processor one of scaled bytes too.
static ProductUnit unitOf(tile::LaunchOp launch, SymbolTable &symbols,
                          TargetAttr target) {
  for (Type input : launch.getInputs().getTypes())
    if (auto rows = dyn_cast<RankedTensorType>(input);
        rows && isa<Q8Type>(rows.getElementType()))
      return ProductUnit::Bytes;
  for (Type input : launch.getInputs().getTypes())
    if (auto cache = dyn_cast<KvCacheType>(input)) {
      if (cache.getElement().isBF16())
        return ProductUnit::Bf16;
      if (isQ8Cache(cache.getElement()) && target &&
          target.rate("bandwidth") == 0)
        return ProductUnit::Bytes;
    }
  if (target && (target.hasFeature("avx512bf16") || target.hasFeature("mma")))
    for (auto name : launch.getSymbols().getAsRange<FlatSymbolRefAttr>())
      if (auto packed = symbols.lookup<tile::PackedOp>(name.getValue()))
        for (auto source : packed.getSources().getAsRange<FlatSymbolRefAttr>())
          if (auto weight = symbols.lookup<WeightOp>(source.getValue());
              weight &&
              cast<ShapedType>(weight.getType()).getElementType().isBF16())
            return ProductUnit::Bf16;
  return ProductUnit::Float32;
}

namespace {

/// What the launches tell of a kernel.
struct Usage {
  ProductUnit unit = ProductUnit::Float32;
  uint64_t rowBytes = 0;
  uint64_t tokens = 0; ///< of the largest step that has such a launch
};

} // namespace

static llvm::StringMap<Usage> usages(ModuleOp module, TargetAttr target) {
  llvm::StringMap<Usage> found;
  SymbolTable symbols(module);
  for (auto step : module.getOps<func::FuncOp>()) {
    auto most = step->getAttrOfType<IntegerAttr>("sinter.max_tokens");
    step.walk([&](tile::LaunchOp launch) {
      Usage &usage = found[launch.getKernel()];
      usage.unit = unitOf(launch, symbols, target);
      usage.rowBytes = 0;
      for (Type type : launch.getInputs().getTypes())
        usage.rowBytes += rowBytes(type);
      for (Type type : launch.getResultTypes())
        usage.rowBytes += rowBytes(type);
      if (most)
        usage.tokens = std::max<uint64_t>(usage.tokens, most.getInt());
    });
  }
  return found;
}

/// The tile's reason, and the tiles that it might be instead.
static void explainTile(KernelResult &result, Attribute skeleton,
                        TargetAttr target, ArrayAttr tuned) {
  TileTarget facts = tileTarget(target);
  MLIRContext *context = target.getContext();
  for (const TileChoice &choice :
       tileCandidates(skeleton, facts, result.tokens))
    result.candidates.push_back(tileText(configOf(choice, context)));
  result.tuned = bool(tunedTile(tuned, skeleton, result.tokens));
  if (!result.tuned) {
    result.reason = tileReason(skeleton, facts, result.tokens);
    return;
  }
  TileChoice ruled = chooseTile(skeleton, facts, result.tokens);
  result.reason = "measured by compile --tune to be faster than <" +
                  tileText(configOf(ruled, context)) + ">";
}

std::vector<KernelResult> describeKernels(ModuleOp module) {
  auto target = module->getAttrOfType<TargetAttr>(kTargetAttr);
  auto tuned = module->getAttrOfType<ArrayAttr>(kTunedTilesAttr);
  llvm::StringMap<Usage> used = usages(module, target);
  std::vector<KernelResult> kernels;
  for (auto kernel : module.getOps<tile::KernelOp>()) {
    Usage usage = used.lookup(kernel.getSymName());
    Attribute skeleton = kernel.getSkeleton();
    KernelResult result;
    result.name = kernel.getSymName().str();
    result.skeleton = printed(skeleton);
    result.kind = skeleton.getAbstractAttribute().getName().split('.').second;
    if (kernel.getConfig())
      result.tile = tileText(*kernel.getConfig());
    result.tokens = usage.tokens;
    result.unit = usage.unit;
    result.rowBytes = usage.rowBytes;
    if (target)
      explainTile(result, skeleton, target, tuned);
    kernels.push_back(std::move(result));
  }
  return kernels;
}

} // namespace sinter
