/// Lowers what works row by row: norms with their residual sum, elementwise
/// ops, the choice of output rows, and quantisation.
#include "passes/tile/LowerGroup.h"

using namespace mlir;

namespace sinter {

NotLowered lowerNorm(OpGroup &group, TileBuilder &tile) {
  auto norm = group.only<RmsNormOp>();
  auto add = group.only<AddOp>();
  auto quantize = group.only<QuantizeOp>();
  if (!norm || group.size() != 1u + (add ? 1 : 0) + (quantize ? 1 : 0))
    return "not one norm, perhaps with a sum and a quantisation";
  if (add && group.resolve(norm.getInput()) != add.getResult())
    return "the norm is not of the sum";
  if (quantize && group.resolve(quantize.getInput()) != norm.getResult())
    return "the quantisation is not of the norm";
  Value normed = quantize ? quantize.getResult() : norm.getResult();
  if (!group.gives(add ? ArrayRef<Value>{normed, add.getResult()}
                       : ArrayRef<Value>{normed}))
    return "an inner value is used outside";
  Value input = group.resolve(add ? add.getLhs() : norm.getInput());
  // The kernel has one stride, of the first input; the addend's is the width.
  if (add &&
      tile.row(group.resolve(add.getRhs())).getStride() != rowWidth(input))
    return "the addend is columns of wider rows";
  bool outputs = tile.countsOutputs(input);
  RankedTensorType weight = tile.weightType(norm.getWeightAttr());
  unsigned width = rowWidth(input), size = weight.getDimSize(0);
  auto skeleton = tile::NormAttr::get(
      norm.getContext(), tile.row(input), tile.row(normed.getType()), size,
      norm.getEpsilonAttr(), static_cast<bool>(add), outputs);
  auto kernel = tile.kernel(
      Twine(add ? "residual_norm" : "rms_norm") + (quantize ? "_q8" : "_f32") +
          "_n" + Twine(width) + (size == width ? Twine() : "_g" + Twine(size)),
      skeleton);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  launch.input(input);
  if (add)
    launch.input(group.resolve(add.getRhs()));
  launch.symbol(tile.vector(norm.getWeightAttr()));
  if (add)
    launch.output(add.getType());
  launch.output(normed.getType()).countsOutputs(outputs);
  auto op = launch.launch(kernel, group.label());
  if (add)
    group.replace(add, op.getResult(0));
  group.replace(normed, op.getResults().back());
  return std::nullopt;
}

namespace {

/// The one op whose result the row is, before any quantisation.
struct RowOp {
  StringRef name;
  KernelBody body;
  SmallVector<Value> inputs;
};

} // namespace

static std::optional<RowOp> rowOp(Operation *op) {
  if (auto add = dyn_cast<AddOp>(op))
    return RowOp{"add", KernelBody::Add, {add.getLhs(), add.getRhs()}};
  if (auto swiglu = dyn_cast<SwigluOp>(op))
    return RowOp{
        "swiglu", KernelBody::Swiglu, {swiglu.getGate(), swiglu.getUp()}};
  if (auto select = dyn_cast<SelectRowsOp>(op))
    return RowOp{"select_rows", KernelBody::None, {select.getInput()}};
  if (auto quantize = dyn_cast<QuantizeOp>(op))
    return RowOp{"quantize", KernelBody::None, {quantize.getInput()}};
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
  auto skeleton =
      tile::ElementwiseAttr::get(first->getContext(), strides,
                                 tile.row(result.getType()), gather, outputs);
  auto kernel = tile.kernel(Twine(row->name) + (quantised ? "_q8" : "_f32") +
                                "_n" + Twine(rowWidth(result)),
                            skeleton, row->body);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  for (Value input : row->inputs)
    launch.input(input);
  launch.output(result.getType()).countsOutputs(outputs);
  group.replace(result, launch.launch(kernel, group.label()).getResult(0));
  return std::nullopt;
}

} // namespace sinter
