/// Gives rows that MXFP4 and NVFP4 matrices read the form of these matrices.
///
///   %x8 = quantize %x : … !sinter.q8<1>      %x8 = quantize %x : … q8<129>
///   %y = matmul %x8, @w (mxfp4)         ==>  %y = matmul %x8, @w
///
/// Why: matrix units of sm_120a and sm_121a multiply 4-bit floats under block
/// scales at twice the rate of bytes, if both sides have them. It costs
/// accuracy (docs/performance.md: 70 to 230 times the error), so nobody gets
/// it who did not ask: `compile --activations fp4`. Bytes stay beside the
/// floats, for readers of other formats.
/// Refuses: targets without such units.
/// Test: test/passes/choose-float4-activations.mlir
#include "dialects/sinter/MoeOps.h"
#include "dialects/tile/Float4.h"
#include "passes/Passes.h"

using namespace mlir;

namespace sinter {
#define GEN_PASS_DEF_CHOOSEFLOAT4ACTIVATIONS
#include "passes/Passes.h.inc"

/// The weight that an op multiplies by matrix units, if it is such an op.
static FlatSymbolRefAttr weightOf(Operation *op) {
  if (auto matmul = dyn_cast<MatmulOp>(op))
    return matmul.getWeightAttr();
  if (auto experts = dyn_cast<ExpertMatmulOp>(op))
    return experts.getWeightAttr();
  return {};
}

namespace {
struct ChooseFloat4Activations
    : impl::ChooseFloat4ActivationsBase<ChooseFloat4Activations> {
  void runOnOperation() override {
    auto target = getOperation()->getAttrOfType<TargetAttr>("sinter.target");
    if (!target || !target.hasFeature("fp4"))
      return;
    SymbolTable symbols(getOperation());
    getOperation().walk([&](QuantizeOp quantize) {
      if (unsigned floats = wantedBy(quantize, symbols))
        add(quantize, floats);
    });
  }

  static unsigned wantedBy(QuantizeOp quantize, SymbolTable &symbols) {
    unsigned floats = 0;
    for (Operation *reader : quantize->getUsers())
      if (FlatSymbolRefAttr name = weightOf(reader)) {
        auto weight = symbols.lookup<WeightOp>(name.getValue());
        auto type = cast<RankedTensorType>(weight.getType());
        floats |= float4Of(*formatOf(type.getElementType()));
      }
    return floats;
  }

  void add(QuantizeOp quantize, unsigned floats) {
    auto rows = cast<RankedTensorType>(quantize.getType());
    auto q8 = cast<Q8Type>(rows.getElementType());
    quantize.getResult().setType(RankedTensorType::get(
        rows.getShape(), Q8Type::get(&getContext(), q8.getSums() | floats)));
  }
};
} // namespace
} // namespace sinter
