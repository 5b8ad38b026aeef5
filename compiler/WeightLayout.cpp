/// Measures packed matrices with the x86 layout.
///
///   tile.packed @w from [@a, @b]
///   ==>  tile.packed @w from [@a, @b] {bytes = 73728 : i64}
///
/// Why: passes plan the weights section without knowing a target's layout.
/// Test: test/compiler/pipeline.test
#include "compiler/WeightLayout.h"

#include "codegen/x86/PackedLayout.h"
#include "dialects/tile/Experts.h"

#include "mlir/IR/BuiltinOps.h"

using namespace mlir;

namespace sinter {

namespace {

struct ChooseWeightLayout
    : PassWrapper<ChooseWeightLayout, OperationPass<ModuleOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ChooseWeightLayout)

  StringRef getArgument() const override {
    return "sinter-choose-weight-layout";
  }
  StringRef getDescription() const override {
    return "measures packed weights in the target's layout";
  }

  void runOnOperation() override {
    SymbolTable symbols(getOperation());
    for (Operation &op : getOperation().getOps()) {
      FailureOr<uint64_t> bytes;
      if (auto packed = dyn_cast<tile::PackedOp>(op))
        bytes = packedBytes(symbols, packed);
      else if (auto experts = dyn_cast<tile::PackedExpertsOp>(op))
        bytes = expertBytes(symbols, experts);
      else
        continue;
      if (failed(bytes))
        return signalPassFailure();
      op.setAttr("bytes", Builder(&getContext()).getI64IntegerAttr(*bytes));
    }
  }

  static FailureOr<uint64_t> expertBytes(SymbolTable &symbols,
                                         tile::PackedExpertsOp packed) {
    RankedTensorType first;
    for (auto source : packed.getSources().getAsRange<FlatSymbolRefAttr>()) {
      auto weight = symbols.lookup<WeightOp>(source.getValue());
      if (!weight)
        return packed.emitOpError("packs ")
               << source << ", which is not declared";
      auto type = cast<RankedTensorType>(weight.getType());
      if (!first)
        first = type;
      if (type.getRank() != 3 ||
          type.getElementType() != first.getElementType() ||
          type.getDimSize(0) != first.getDimSize(0) ||
          type.getDimSize(2) != first.getDimSize(2))
        return packed.emitOpError("joins ") << first << " and " << type;
    }
    if (!first)
      return packed.emitOpError("has no sources");
    auto layout = x86::PackedLayout::of(*formatOf(first.getElementType()));
    uint64_t rows = packed.getSources().size() * packed.getRows();
    return first.getDimSize(0) * layout.matrixBytes(rows, first.getDimSize(2));
  }

  static FailureOr<uint64_t> packedBytes(SymbolTable &symbols,
                                         tile::PackedOp packed) {
    uint64_t rows = 0;
    RankedTensorType first;
    for (auto source : packed.getSources().getAsRange<FlatSymbolRefAttr>()) {
      auto weight = symbols.lookup<WeightOp>(source.getValue());
      if (!weight)
        return packed.emitOpError("packs ")
               << source << ", which is not declared";
      auto type = cast<RankedTensorType>(weight.getType());
      if (!first)
        first = type;
      if (type.getRank() != 2 ||
          type.getElementType() != first.getElementType() ||
          type.getDimSize(1) != first.getDimSize(1))
        return packed.emitOpError("joins ") << first << " and " << type;
      rows += type.getDimSize(0);
    }
    if (!first)
      return packed.emitOpError("has no sources");
    auto layout = x86::PackedLayout::of(*formatOf(first.getElementType()));
    return layout.matrixBytes(rows, first.getDimSize(1));
  }
};

} // namespace

std::unique_ptr<Pass> createChooseWeightLayout() {
  return std::make_unique<ChooseWeightLayout>();
}

} // namespace sinter
