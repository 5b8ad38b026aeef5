/// Measures packed matrices with the x86 layout.
///
///   tile.packed @w from [@a, @b]
///   ==>  tile.packed @w from [@a, @b] {bytes = 73728 : i64}
///
/// Why: passes plan the weights section without knowing a target's layout.
/// Test: test/passes/choose-weight-layout.mlir
#include "compiler/ChooseWeightLayout.h"

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

  /// The types of what `packed` joins, all of one format and row width: one at
  /// least, each of `rank` dimensions.
  template <typename Packed>
  static FailureOr<SmallVector<RankedTensorType>>
  sourceTypes(SymbolTable &symbols, Packed packed, int64_t rank) {
    SmallVector<RankedTensorType> types;
    for (auto source :
         packed.getSources().template getAsRange<FlatSymbolRefAttr>()) {
      auto weight = symbols.lookup<WeightOp>(source.getValue());
      if (!weight)
        return packed.emitOpError("packs ")
               << source << ", which is not declared";
      types.push_back(cast<RankedTensorType>(weight.getType()));
      RankedTensorType first = types.front(), type = types.back();
      if (type.getRank() != rank ||
          type.getElementType() != first.getElementType() ||
          type.getShape().back() != first.getShape().back())
        return packed.emitOpError("joins ") << first << " and " << type;
    }
    if (types.empty())
      return packed.emitOpError("has no sources");
    return types;
  }

  /// `rows` of weights like `type`'s, packed.
  static uint64_t matrixBytes(RankedTensorType type, uint64_t rows) {
    return x86::PackedLayout::of(*formatOf(type.getElementType()))
        .matrixBytes(rows, type.getShape().back());
  }

  static FailureOr<uint64_t> expertBytes(SymbolTable &symbols,
                                         tile::PackedExpertsOp packed) {
    auto types = sourceTypes(symbols, packed, 3);
    if (failed(types))
      return failure();
    RankedTensorType first = types->front();
    for (RankedTensorType type : *types)
      if (type.getDimSize(0) != first.getDimSize(0))
        return packed.emitOpError("joins ") << first << " and " << type;
    uint64_t rows = types->size() * packed.getRows();
    return first.getDimSize(0) * matrixBytes(first, rows);
  }

  static FailureOr<uint64_t> packedBytes(SymbolTable &symbols,
                                         tile::PackedOp packed) {
    auto types = sourceTypes(symbols, packed, 2);
    if (failed(types))
      return failure();
    uint64_t rows = 0;
    for (RankedTensorType type : *types)
      rows += type.getDimSize(0);
    return matrixBytes(types->front(), rows);
  }
};

} // namespace

std::unique_ptr<Pass> createChooseWeightLayout() {
  return std::make_unique<ChooseWeightLayout>();
}

} // namespace sinter
