/// Lowers what stands around recurrences: norms with a gate, the columns of
/// heads, and rows without their dimension of 1.
#include "passes/tile/LowerGroup.h"

#include "dialects/sinter/RecurrentOps.h"

using namespace mlir;

namespace sinter {

namespace {

/// A norm of groups, its gate if it has one, and what leaves the group.
struct GatedNorm {
  Operation *norm = nullptr;
  SwigluOp gate;
  Value input, gateRows, result;
  FlatSymbolRefAttr weight;
  FloatAttr epsilon;
  bool gateFirst = false;
};

} // namespace

/// silu(gate) * norm(x), or norm(silu(gate) * x).
static NotLowered findGate(OpGroup &group, GatedNorm &found) {
  Value normed = found.norm->getResult(0);
  found.result = normed;
  if (!found.gate)
    return std::nullopt;
  found.gateRows = group.resolve(found.gate.getGate());
  if (group.resolve(found.gate.getUp()) == normed) {
    found.result = found.gate.getResult();
    return std::nullopt;
  }
  if (found.input != found.gate.getResult())
    return "the gate is not the norm's";
  found.gateFirst = true;
  found.input = group.resolve(found.gate.getUp());
  return std::nullopt;
}

NotLowered lowerGatedNorm(OpGroup &group, TileBuilder &tile) {
  auto grouped = group.only<GroupedNormOp>();
  auto plain = group.only<RmsNormOp>();
  auto quantize = group.only<QuantizeOp>();
  GatedNorm found;
  found.gate = group.only<SwigluOp>();
  size_t ops = 1 + (found.gate ? 1 : 0) + (quantize ? 1 : 0);
  if (static_cast<bool>(grouped) == static_cast<bool>(plain) ||
      group.size() != ops)
    return "not one norm with a gate, perhaps with a quantisation";
  found.norm = grouped ? grouped.getOperation() : plain.getOperation();
  found.input = group.resolve(found.norm->getOperand(0));
  found.weight = grouped ? grouped.getWeightAttr() : plain.getWeightAttr();
  found.epsilon = grouped ? grouped.getEpsilonAttr() : plain.getEpsilonAttr();
  if (NotLowered why = findGate(group, found))
    return why;
  Value result = found.result;
  if (quantize) {
    if (group.resolve(quantize.getInput()) != result)
      return "the quantisation is not of the norm";
    result = quantize.getResult();
  }
  if (!group.gives(result))
    return "an inner value is used outside";
  if (tile.countsOutputs(found.input))
    return "rows of outputs";
  unsigned width = rowWidth(found.input);
  unsigned size = grouped ? width / grouped.getGroups()
                          : tile.weightType(found.weight).getDimSize(0);
  if (quantize && size % 32)
    return "groups of " + std::to_string(size) +
           " columns do not fill blocks of 32";
  auto skeleton = tile::GatedNormAttr::get(
      found.norm->getContext(), tile.row(found.input),
      tile.row(result.getType()), size, found.epsilon,
      found.gateRows ? tile.row(found.gateRows).getStride() : 0,
      found.gateFirst, static_cast<bool>(grouped));
  auto kernel = tile.kernel(Twine(found.gate ? "gated_norm" : "grouped_norm") +
                                (quantize ? "_q8" : "_f32") + "_n" +
                                Twine(width) + "_g" + Twine(size),
                            skeleton);
  LaunchBuilder launch(tile, group.getRoot()->getLoc());
  launch.input(found.input);
  if (found.gateRows)
    launch.input(found.gateRows);
  launch.symbol(tile.vector(found.weight)).output(result.getType());
  group.replace(result, launch.launch(kernel, group.label()).getResult(0));
  return std::nullopt;
}

/// A view: users step over the rest of the row.
static void replaceByColumns(OpGroup &group, TileBuilder &tile, Value result,
                             Value input, int64_t offset) {
  auto columns = tile.builder.create<tile::ColumnsOp>(
      group.getRoot()->getLoc(), result.getType(), input, offset);
  if (tile.countsOutputs(input))
    tile.setCountsOutputs(columns);
  group.replace(result, columns);
}

NotLowered lowerColumns(OpGroup &group, TileBuilder &tile) {
  auto quantize = group.only<QuantizeOp>();
  if (group.size() != (quantize ? 2u : 1u))
    return "columns beside other ops";
  if (auto fold = group.only<FoldOp>()) {
    if (quantize)
      return "a fold beside other ops";
    replaceByColumns(group, tile, fold, group.resolve(fold.getInput()), 0);
    return std::nullopt;
  }
  auto take = group.only<HeadColumnsOp>();
  Value input = group.resolve(take.getInput());
  if (take.getHeads() == 1 && !quantize) {
    replaceByColumns(group, tile, take, input, take.getOffset());
    return std::nullopt;
  }
  if (tile.countsOutputs(input))
    return "rows of outputs";
  if (quantize && group.resolve(quantize.getInput()) != take.getResult())
    return "the quantisation is not of the columns";
  Value result = quantize ? quantize.getResult() : take.getResult();
  if (!group.gives(result))
    return "an inner value is used outside";
  unsigned heads = take.getHeads(), width = rowWidth(take) / heads;
  auto skeleton = tile::HeadColumnsAttr::get(
      take.getContext(), heads, rowWidth(input) / heads, take.getOffset(),
      tile.row(input).getStride(), tile.row(result.getType()));
  auto kernel = tile.kernel(Twine("head_columns") + (quantize ? "_q8" : "") +
                                "_h" + Twine(heads) + "_n" + Twine(width) +
                                "_at" + Twine(take.getOffset()),
                            skeleton);
  auto op = LaunchBuilder(tile, group.getRoot()->getLoc())
                .input(input)
                .output(result.getType())
                .launch(kernel, group.label());
  group.replace(result, op.getResult(0));
  return std::nullopt;
}

} // namespace sinter
