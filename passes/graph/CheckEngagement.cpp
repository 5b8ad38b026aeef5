/// Compares how often fusions fired with what the model's facts promise.
///
/// Why: a fusion that passes its tests and matches nothing on the real model
/// is found here, by count, and the refusals say why.
/// Test: test/passes/check-engagement.mlir
#include "passes/FusionPass.h"

#include "llvm/ADT/StringExtras.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_CHECKENGAGEMENT
#include "passes/Passes.h.inc"

static const Fusion *findFusion(StringRef stem) {
  for (const Fusion *fusion : kFusionList)
    if (stem == fusion->stem)
      return fusion;
  return nullptr;
}

static std::string knownFusions() {
  SmallVector<StringRef> stems;
  for (const Fusion *fusion : kFusionList)
    stems.push_back(fusion->stem);
  return llvm::join(stems, ", ");
}

/// The refusals that `step` keeps for a fusion, as text.
static std::string reasonsOf(func::FuncOp step, const Fusion &fusion) {
  auto refused = step->getAttrOfType<DictionaryAttr>(kRefusedAttr);
  auto reasons = refused ? refused.getAs<ArrayAttr>(fusion.stem) : ArrayAttr();
  if (!reasons)
    return "no refusals";
  SmallVector<StringRef> lines;
  for (auto reason : reasons.getAsRange<StringAttr>())
    lines.push_back(reason.getValue());
  return "refused: " + llvm::join(lines, "; ");
}

static LogicalResult check(func::FuncOp step, const Fusion &fusion,
                           ModelAttr model) {
  auto counts = step->getAttrOfType<DictionaryAttr>(kFusedAttr);
  auto count = counts ? counts.getAs<IntegerAttr>(fusion.stem) : IntegerAttr();
  if (!count)
    return step.emitError("fusion '")
           << fusion.stem << "' is required but did not run";
  int64_t expected = fusion.expected(model);
  if (count.getInt() == expected)
    return success();
  return step.emitError("fusion '")
         << fusion.stem << "' fired " << count.getInt() << " times, expected "
         << expected << "; " << reasonsOf(step, fusion);
}

namespace {

struct CheckEngagement : impl::CheckEngagementBase<CheckEngagement> {
  using CheckEngagementBase::CheckEngagementBase;

  void runOnOperation() override {
    if (failed(checkAll()))
      signalPassFailure();
  }

  LogicalResult checkAll() {
    if (require.empty())
      return success();
    auto model = getOperation()->getAttrOfType<ModelAttr>(kModelAttr);
    if (!model)
      return getOperation().emitError(
          "has no sinter.model, from which expected counts follow");
    bool missing = false;
    for (const std::string &stem : require) {
      const Fusion *fusion = findFusion(stem);
      if (!fusion)
        return getOperation().emitError("requires fusion '")
               << stem << "'; known are " << knownFusions();
      for (auto step : getOperation().getOps<func::FuncOp>())
        missing |= failed(check(step, *fusion, model));
    }
    return failure(missing);
  }
};

} // namespace
} // namespace sinter
