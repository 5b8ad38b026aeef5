/// Makes one function per regime and gives every kernel its tile.
///
///   func.func @step          func.func @decode   {sinter.max_tokens = 8}
///                      ==>   func.func @prefill  {sinter.max_tokens = 512}
///   tile.kernel @k #tile.gemm<...>
///                      ==>   tile.kernel @k #tile.gemm<...> config ...
///                            tile.kernel @k_gemv ... decode = true ...
///
/// Why: with few tokens a matmul waits for memory, with many for the
/// multipliers; tiles for one are wrong for the other. The choice follows from
/// `#sinter.target` and the shapes (passes/tile/TileCost.h), unless the module
/// has a measured tile for the kernel (`sinter.tuned_tiles`).
/// Refuses: a module without target, or without @step.
/// Test: test/passes/select-tiles.mlir

#include "dialects/tile/Tile.h"
#include "passes/tile/KernelTile.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Pass/Pass.h"
#include "llvm/ADT/MapVector.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DECL_SELECTTILES
#define GEN_PASS_DEF_SELECTTILES
#include "passes/Passes.h.inc"

namespace {

struct SelectTiles : impl::SelectTilesBase<SelectTiles> {
  using SelectTilesBase::SelectTilesBase;

  void runOnOperation() override {
    ModuleOp module = getOperation();
    auto target = module->getAttrOfType<TargetAttr>("sinter.target");
    auto step = module.lookupSymbol<func::FuncOp>("step");
    if (!target || !step) {
      module.emitError() << "tile selection needs "
                         << (target ? "the function @step"
                                    : "the attribute sinter.target");
      return signalPassFailure();
    }
    if (decodeTokens < 1 || prefillTokens <= decodeTokens) {
      module.emitError() << "regimes of " << decodeTokens.getValue() << " and "
                         << prefillTokens.getValue()
                         << " tokens; the second must be larger";
      return signalPassFailure();
    }
    facts = tileTarget(target);
    tuned = module->getAttrOfType<ArrayAttr>(kTunedTilesAttr);
    makeRegimes(module, step);
    for (auto kernel : module.getOps<tile::KernelOp>())
      configure(kernel);
  }

  void makeRegimes(ModuleOp module, func::FuncOp step) {
    SymbolTable symbols(module);
    func::FuncOp decode = step.clone();
    decode.setName("decode");
    step->getBlock()->getOperations().insert(Block::iterator(step), decode);
    step.setName("prefill");
    Builder b(&getContext());
    decode->setAttr("sinter.max_tokens", b.getI64IntegerAttr(decodeTokens));
    step->setAttr("sinter.max_tokens", b.getI64IntegerAttr(prefillTokens));
    llvm::MapVector<Operation *, FlatSymbolRefAttr> decoding;
    decode.walk([&](tile::LaunchOp launch) {
      auto kernel = symbols.lookup<tile::KernelOp>(launch.getKernel());
      Attribute form;
      if (kernel)
        form = cast<tile::Skeleton>(kernel.getSkeleton()).decodeForm();
      if (!form)
        return;
      FlatSymbolRefAttr &clone = decoding[kernel];
      if (!clone) {
        tile::KernelOp copy = kernel.clone();
        copy.setSymName((kernel.getSymName() + "_gemv").str());
        copy.setSkeletonAttr(form);
        clone = FlatSymbolRefAttr::get(
            symbols.insert(copy, std::next(Block::iterator(kernel))));
      }
      launch.setKernelAttr(clone);
    });
  }

  void configure(tile::KernelOp kernel) {
    Attribute skeleton = kernel.getSkeleton();
    // The form for decode has no other.
    bool decodes = cast<tile::Skeleton>(skeleton).decodeForm() == skeleton;
    uint64_t tokens = decodes ? decodeTokens : prefillTokens;
    tile::ConfigAttr config = tunedTile(tuned, skeleton, tokens);
    if (!config)
      config = configOf(chooseTile(skeleton, facts, tokens), &getContext());
    kernel.setConfigAttr(config);
    if (remarks)
      kernel.emitRemark("tile of @") << kernel.getSymName() << ": " << config;
  }

  TileTarget facts;
  ArrayAttr tuned;
};

} // namespace
} // namespace sinter
