/// Lowers what works row by row: norms with their residual sum, elementwise
/// ops, the choice of output rows, and quantisation.
#include "dialects/sinter/ElementwiseOps.h"
#include "dialects/sinter/NormOps.h"
#include "passes/tile/LowerGroup.h"

using namespace mlir;

namespace sinter {

/// What a norm op has beyond its input.
struct NormFacts {
  FlatSymbolRefAttr weight, bias;
  FloatAttr epsilon;
  bool layer = false;
  unsigned heads = 1; ///< parts of the row, each with its part of the weight
};

static NormFacts factsOf(Operation *norm) {
  if (auto layer = dyn_cast<LayerNormOp>(norm))
    return {layer.getWeightAttr(), layer.getBiasAttr(), layer.getEpsilonAttr(),
            true, static_cast<unsigned>(layer.getHeads())};
  auto rms = cast<RmsNormOp>(norm);
  return {rms.getWeightAttr(), {}, rms.getEpsilonAttr()};
}

/// The kernel of a norm of rows as `input`, with results as `normed`.
static FlatSymbolRefAttr normKernel(TileBuilder &tile, const NormFacts &norm,
                                    Value input, Value normed, bool add) {
  unsigned width = rowWidth(input);
  unsigned size = tile.weightType(norm.weight).getNumElements() / norm.heads;
  tile::RowAttr output = tile.row(normed.getType());
  auto skeleton = tile::NormAttr::get(
      input.getContext(), tile.row(input), output, size, norm.epsilon, add,
      tile.countsOutputs(input), norm.layer, static_cast<bool>(norm.bias),
      norm.heads > 1, /*unit=*/false);
  StringRef op = norm.layer ? (add ? "residual_layer_norm" : "layer_norm")
                            : (add ? "residual_norm" : "rms_norm");
  return tile.kernel(Twine(op) + (output.getQ8() ? "_q8" : "_f32") + "_n" +
                         Twine(width) +
                         (size == width ? Twine() : "_g" + Twine(size)),
                     skeleton);
}

NotLowered lowerNorm(OpGroup &group, TileBuilder &tile) {
  Operation *norm = nullptr;
  for (Operation *op : group.getOps())
    if (isNorm(op))
      norm = op;
  auto add = group.only<AddOp>();
  auto quantize = group.only<QuantizeOp>();
  if (!norm || group.size() != 1u + (add ? 1 : 0) + (quantize ? 1 : 0))
    return "not one norm, perhaps with a sum and a quantisation";
  if (add && group.resolve(norm->getOperand(0)) != add.getResult())
    return "the norm is not of the sum";
  if (quantize && group.resolve(quantize.getInput()) != norm->getResult(0))
    return "the quantisation is not of the norm";
  Value normed = norm->getResult(0);
  if (quantize)
    normed = quantize.getResult();
  if (!group.gives(add ? ArrayRef<Value>{normed, add.getResult()}
                       : ArrayRef<Value>{normed}))
    return "an inner value is used outside";
  Value input = group.resolve(add ? add.getLhs() : norm->getOperand(0));
  // The kernel has one stride, of the first input; the addend's is the width.
  if (add &&
      tile.row(group.resolve(add.getRhs())).getStride() != rowWidth(input))
    return "the addend is columns of wider rows";
  NormFacts facts = factsOf(norm);
  auto kernel = normKernel(tile, facts, input, normed, static_cast<bool>(add));
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  launch.input(input);
  if (add)
    launch.input(group.resolve(add.getRhs()));
  launch.symbol(tile.vector(facts.weight));
  if (facts.bias)
    launch.symbol(tile.vector(facts.bias));
  if (add)
    launch.output(add.getType());
  launch.output(normed.getType()).countsOutputs(tile.countsOutputs(input));
  auto op = launch.launch(kernel, group.label());
  if (add)
    group.replace(add, op.getResult(0));
  group.replace(normed, op.getResults().back());
  return std::nullopt;
}

NotLowered lowerUnitNorm(OpGroup &group, TileBuilder &tile) {
  auto norm = group.only<UnitNormOp>();
  if (!norm || group.size() != 1)
    return "a norm without weight beside other ops";
  Value input = group.resolve(norm.getInput());
  unsigned width = rowWidth(input), size = width / norm.getHeads();
  bool outputs = tile.countsOutputs(input);
  auto skeleton = tile::NormAttr::get(
      norm.getContext(), tile.row(input), tile.row(norm.getType()), size,
      norm.getEpsilonAttr(), /*addend=*/false, outputs, /*layer=*/false,
      /*bias=*/false, /*wide=*/false, /*unit=*/true);
  auto kernel = tile.kernel(
      "unit_norm_f32_n" + Twine(width) + "_g" + Twine(size), skeleton);
  LaunchBuilder launch(tile, norm.getLoc());
  launch.input(input).output(norm.getType()).countsOutputs(outputs);
  group.replace(norm, launch.launch(kernel, group.label()).getResult(0));
  return std::nullopt;
}

namespace {

/// The one op whose result the row is, before any quantisation.
struct RowOp {
  StringRef name;
  Elementwise body;
  SmallVector<Value> inputs;
  FlatSymbolRefAttr number; ///< of a weight, behind the inputs; null: none
};

} // namespace

static std::optional<RowOp> rowOp(Operation *op) {
  StringRef name = op->getName().stripDialect();
  if (auto body = dyn_cast<Elementwise>(op))
    return RowOp{name, body, op->getOperands(), numberOf(op)};
  if (isa<SelectRowsOp, QuantizeOp>(op))
    return RowOp{name, {}, {op->getOperand(0)}, {}};
  return std::nullopt;
}

NotLowered lowerElementwise(OpGroup &group, TileBuilder &tile) {
  Operation *first = group.getOps().front();
  auto quantize = dyn_cast<QuantizeOp>(group.getOps().back());
  bool quantised = quantize && group.size() == 2;
  std::optional<RowOp> row = rowOp(first);
  if (!row || (group.size() != 1 && !quantised))
    return "not one op over rows, perhaps with a quantisation";
  if (quantised && group.resolve(quantize.getInput()) != first->getResult(0))
    return "the quantisation is not of the op";
  Value result = group.getOps().back()->getResult(0);
  if (!group.gives(result))
    return "an inner value is used outside";
  bool gather = isa<SelectRowsOp>(first);
  bool outputs = gather;
  SmallVector<unsigned> strides;
  for (Value &input : row->inputs) {
    input = group.resolve(input);
    strides.push_back(tile.row(input).getStride());
    outputs |= tile.countsOutputs(input);
  }
  if (row->number)
    strides.push_back(0);
  auto type = cast<RankedTensorType>(result.getType());
  unsigned slots = type.getRank() == 3 ? type.getDimSize(1) : 1;
  auto skeleton = tile::ElementwiseAttr::get(
      first->getContext(), strides, tile.row(type), gather, outputs, slots);
  auto kernel = tile.kernel(Twine(row->name) + (quantised ? "_q8" : "_f32") +
                                "_n" + Twine(rowWidth(result)) +
                                (slots > 1 ? "_s" + Twine(slots) : Twine()),
                            skeleton, row->body);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  for (Value input : row->inputs)
    launch.input(input);
  if (row->number)
    launch.symbol(tile.vector(row->number));
  launch.output(result.getType()).countsOutputs(outputs);
  group.replace(result, launch.launch(kernel, group.label()).getResult(0));
  return std::nullopt;
}

} // namespace sinter
