/// Inlines regions that the target has no kernel for, and names the op that
/// it cannot compute at all.
///
///   %y = region "act_quant" (%q, %kv, %b) {    %o = attention %q, %kv, %b
///     attention with heads of 48, quantize  ==>  %y = quantize %o
///   }
///
/// Why: an answer is never approximated and no slow path is silent: what falls
/// back is listed in the function's `sinter.inlined`, and what has no kernel
/// stops the compilation.
/// Test: test/passes/legalize-for-target.mlir
#include "passes/FusionPass.h"
#include "passes/InlineRegion.h"
#include "passes/OpLabel.h"
#include "passes/Passes.h"
#include "passes/graph/TargetKernels.h"

#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_LEGALIZEFORTARGET
#include "passes/Passes.h.inc"

namespace {

struct LegalizeForTarget : impl::LegalizeForTargetBase<LegalizeForTarget> {
  using LegalizeForTargetBase::LegalizeForTargetBase;

  void runOnOperation() override {
    auto target = getOperation()->getAttrOfType<TargetAttr>(kTargetAttr);
    if (!target) {
      getOperation().emitError("has no sinter.target to legalize for");
      return signalPassFailure();
    }
    const TargetKernels *kernels = kernelsFor(target);
    if (!kernels) {
      getOperation().emitError("target '")
          << target.getLevel() << "' has no kernels";
      return signalPassFailure();
    }
    for (auto step : getOperation().getOps<func::FuncOp>())
      if (!step.isExternal() && failed(legalize(step, target, *kernels)))
        return signalPassFailure();
  }

  LogicalResult legalize(func::FuncOp step, TargetAttr target,
                         const TargetKernels &kernels) {
    Tally tally;
    Block &block = step.getBody().front();
    for (Operation *op = &block.front(); op;) {
      auto region = dyn_cast<RegionOp>(op);
      std::string obstacle = region ? kernels.obstacle(region) : "";
      if (!obstacle.empty()) {
        tally.add((region.getKind() + ": " + obstacle).str(), region);
        if (remarks)
          region.emitRemark("inlined: ") << obstacle;
        op = &region.getBody().front().front(); // what it holds is next
        inlineRegion(region);
        continue;
      }
      StringRef name = op->getName().getStringRef();
      if (!region && !isa<func::ReturnOp>(op) && !kernels.hasOp(name))
        return op->emitError("op '")
               << name << "' of " << labelOf(op) << " has no kernel on target '"
               << target.getLevel() << "'";
      op = op->getNextNode();
    }
    if (ArrayAttr inlined = tally.asAttribute(&getContext()); !inlined.empty())
      step->setAttr(kInlinedAttr, inlined);
    return success();
  }
};

} // namespace
} // namespace sinter
